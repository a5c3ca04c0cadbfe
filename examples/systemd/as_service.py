#!/usr/bin/python3
"""Runs a unit's ExecStart as systemd would, where no systemd runs:

    as_service.py UNIT [DROP-IN…] --local DIR --state DIR

The unit's own settings make the environment, the user, the mounts, the filters. DIR of --local is seen as
/usr/local, that of --state as /var/lib. A setting that this script does not know is an error; those that it knows
and cannot apply it says. x86-64, as root. Ends as the service did (128 + N for signal N).
"""
import argparse
import ctypes
import os
import resource
import shlex
import subprocess
import sys

import unit

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../support"))
import seccomp

# linux/sched.h, linux/prctl.h, linux/capability.h
CLONE_NEWNS = 0x00020000
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 24, 38, 65
CAP_LAST = 40
# From the range that systemd takes for DynamicUser=.
DYNAMIC_USER = 61184

APPLIED = {
    "ExecStart", "Environment", "StateDirectory", "SystemCallFilter", "SystemCallErrorNumber", "DynamicUser",
    "CapabilityBoundingSet", "NoNewPrivileges", "MemoryDenyWriteExecute", "ProtectSystem", "ProtectHome",
    "ProtectProc", "PrivateTmp", "PrivateDevices", "LimitCORE",
}
NOT_APPLIED = {
    "Type", "Restart", "SystemCallArchitectures", "RestrictNamespaces", "RestrictRealtime", "LockPersonality",
}
libc = ctypes.CDLL(None, use_errno=True)


def prctl(*words):
    if libc.prctl(*[ctypes.c_ulong(word) for word in [*words, 0, 0, 0, 0][:5]]) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {words[0]}")


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def is_on(settings, key):
    return settings.get(key, ["no"])[-1] in ("yes", "true", "1", "on")


def make_mounts(settings, local, state):
    """All file systems that the service sees, in a mount namespace of its own."""
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    mount("--make-rprivate", "/")
    mount("--bind", local, "/usr/local")
    mount("--bind", state, "/var/lib")
    for name in settings.get("StateDirectory", []):
        place = "/var/lib/" + name
        if is_on(settings, "DynamicUser"):
            # The real folder is in private, and a link leads there.
            os.makedirs("/var/lib/private", exist_ok=True)
            os.symlink("private/" + name, place)
            place = "/var/lib/private/" + name
        os.mkdir(place, 0o755)
        os.chown(place, DYNAMIC_USER, DYNAMIC_USER)
        mount("--bind", place, place)
    if is_on(settings, "PrivateDevices"):
        mount("--bind", "/dev", "/mnt")
        mount("-t", "tmpfs", "-o", "mode=755", "dev", "/dev")
        for name in ("null", "zero", "random", "urandom"):
            os.close(os.open("/dev/" + name, os.O_CREAT))
            mount("--bind", "/mnt/" + name, "/dev/" + name)
        subprocess.run(["umount", "/mnt"], check=True)
    if "ProtectProc" in settings:
        mount("-t", "proc", "-o", "hidepid=" + settings["ProtectProc"][-1], "proc", "/proc")
    if is_on(settings, "PrivateTmp"):
        mount("-t", "tmpfs", "-o", "mode=1777", "tmp", "/tmp")
    if is_on(settings, "ProtectHome"):
        for place in ("/home", "/root"):
            mount("-t", "tmpfs", "-o", "mode=000,ro", "home", place)
    if settings.get("ProtectSystem") == ["strict"]:
        for place in ("/", "/usr/local", "/var/lib"):
            mount("-o", "remount,bind,ro", place)


def drop_rights(settings, calls):
    if is_on(settings, "MemoryDenyWriteExecute"):
        prctl(PR_SET_MDWE, 1)
    if settings.get("CapabilityBoundingSet") == []:
        for capability in range(CAP_LAST + 1):
            prctl(PR_CAPBSET_DROP, capability)
    if is_on(settings, "DynamicUser"):
        os.setgroups([])
        os.setresgid(*[DYNAMIC_USER] * 3)
        os.setresuid(*[DYNAMIC_USER] * 3)
    if is_on(settings, "NoNewPrivileges"):
        prctl(PR_SET_NO_NEW_PRIVS, 1)
    if calls:
        if settings.get("SystemCallErrorNumber") != ["EPERM"]:
            raise ValueError("only SystemCallErrorNumber=EPERM is known here")
        seccomp.install({number: seccomp.ALLOW for number in calls}, otherwise=seccomp.EPERM)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("units", nargs="+")
    parser.add_argument("--local", required=True)
    parser.add_argument("--state", required=True)
    options = parser.parse_args()
    name = os.path.basename(options.units[0]).removesuffix(".service")
    settings = unit.read(options.units, name)
    unknown = settings.keys() - APPLIED - NOT_APPLIED
    if unknown:
        sys.exit(f"as_service.py: unknown here: {', '.join(sorted(unknown))}")
    skipped = ", ".join(sorted(settings.keys() & NOT_APPLIED))
    print(f"as_service.py: not applied here: {skipped}", file=sys.stderr)

    variables = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
    for line in settings.get("Environment", []):
        variables.update(word.split("=", 1) for word in shlex.split(line))
    calls = []
    if "SystemCallFilter" in settings:
        calls = unit.system_calls(" ".join(settings["SystemCallFilter"]).split(), seccomp.numbers())
    command = shlex.split(settings["ExecStart"][-1])
    limit = int(settings.get("LimitCORE", ["0"])[-1])

    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
            make_mounts(settings, options.local, options.state)
            os.chdir("/")
            drop_rights(settings, calls)
            os.execve(command[0], command, variables)
        except BaseException as error:
            print("as_service.py:", repr(error), file=sys.stderr)
            os._exit(125)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(128 - status if status < 0 else status)


main()
