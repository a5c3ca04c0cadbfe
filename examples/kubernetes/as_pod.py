#!/usr/bin/python3
"""Runs a manifest's pod without a cluster, each container in what stands for its image:

    as_pod.py MANIFEST IMAGES VOLUMES [--without NAME]…

IMAGES/NAME is the root file system of container NAME, VOLUMES/NAME becomes volume NAME. Of the manifest it takes
the containers' commands, variables, mounts and security contexts. Each container is PID 1 of a pid namespace.
--without leaves out an environment variable. Exits as the pod's container did (128 + N for signal N). Needs root.
"""
import argparse
import ctypes
import os
import subprocess
import sys

import yaml

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../support"))
import seccomp

# linux/sched.h and linux/prctl.h
CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWIPC = 0x00020000, 0x20000000, 0x08000000
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, CAP_LAST = 24, 38, 40
# What a container runtime's default profile refuses (moby/profiles/seccomp/default.json) without capabilities,
# as far as there are such calls in /usr/include/asm/unistd_64.h; clone3 does not exist, so that clone is taken.
REFUSED = """
    acct add_key bpf chroot clock_settime delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick
    get_mempolicy init_module ioperm iopl kcmp kexec_load keyctl lookup_dcookie mbind migrate_pages mount
    mount_setattr move_mount move_pages open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root
    process_madvise quotactl reboot request_key set_mempolicy setdomainname sethostname setns settimeofday swapoff
    swapon syslog umount2 unshare userfaultfd vhangup
""".split()
libc = ctypes.CDLL(None, use_errno=True)


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def make_volumes(pod, folder):
    """emptyDir and claims alike, with the rights that fsGroup gives them."""
    group = pod["securityContext"]["fsGroup"]
    for volume in pod["volumes"]:
        path = os.path.join(folder, volume["name"])
        os.makedirs(path, exist_ok=True)
        os.chown(path, 0, group)
        os.chmod(path, 0o2775)


def enter(container, root, volumes):
    """Mounts all that the container sees, and makes it the root."""
    mount("--bind", root, root)
    for entry in container.get("volumeMounts", []):
        place = root + entry["mountPath"]
        mount("--bind", os.path.join(volumes, entry["name"]), place)
        if entry.get("readOnly"):
            mount("-o", "remount,bind,ro", place)
    mount("-t", "proc", "proc", root + "/proc")
    mount("-t", "tmpfs", "-o", "mode=755", "dev", root + "/dev")
    for name in ("null", "zero", "random", "urandom"):
        os.close(os.open(root + "/dev/" + name, os.O_CREAT))
        mount("--bind", "/dev/" + name, root + "/dev/" + name)
    if container["securityContext"].get("readOnlyRootFilesystem"):
        mount("-o", "remount,bind,ro", root)
    os.chroot(root)
    os.chdir("/")


def drop_rights(pod, container, calls):
    context = {**pod["securityContext"], **container["securityContext"]}
    if context["capabilities"]["drop"] == ["ALL"]:
        for capability in range(CAP_LAST + 1):
            check(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "PR_CAPBSET_DROP")
    os.setgroups([context["fsGroup"]])
    os.setresgid(*[context["runAsGroup"]] * 3)
    os.setresuid(*[context["runAsUser"]] * 3)
    if context["allowPrivilegeEscalation"] is False:
        check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    if context["seccompProfile"]["type"] == "RuntimeDefault":
        answers = {calls[name]: seccomp.EPERM for name in REFUSED}
        seccomp.install({**answers, calls["clone3"]: seccomp.ENOSYS}, otherwise=seccomp.ALLOW)


def run(pod, container, images, volumes, without):
    variables = {"PATH": "/usr/bin:/bin", "HOME": "/"}
    for variable in container.get("env", []):
        if variable["name"] not in without:
            variables[variable["name"]] = variable["value"]
    starter = os.fork()
    if starter == 0:
        try:
            check(libc.unshare(CLONE_NEWNS | CLONE_NEWIPC), "unshare")
            mount("--make-rprivate", "/")
            # The next child is the first of its pid namespace.
            check(libc.unshare(CLONE_NEWPID), "unshare")
            first = os.fork()
            if first:
                status = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
                os._exit(128 - status if status < 0 else status)
            calls = seccomp.numbers()
            enter(container, os.path.join(images, container["name"]), volumes)
            drop_rights(pod, container, calls)
            os.execve(container["command"][0], container["command"], variables)
        except BaseException as error:
            print("as_pod.py:", repr(error), file=sys.stderr)
            os._exit(125)
    return os.waitstatus_to_exitcode(os.waitpid(starter, 0)[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("manifest")
    parser.add_argument("images")
    parser.add_argument("volumes")
    parser.add_argument("--without", action="append", default=[])
    options = parser.parse_args()
    with open(options.manifest, encoding="utf-8") as file:
        documents = list(yaml.safe_load_all(file))
    (deployment,) = [d for d in documents if d["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    images, volumes = os.path.abspath(options.images), os.path.abspath(options.volumes)
    make_volumes(pod, volumes)
    for container in pod["initContainers"]:
        status = run(pod, container, images, volumes, options.without)
        if status != 0:
            sys.exit(f"as_pod.py: init container {container['name']} ended with {status}")
    (container,) = pod["containers"]
    sys.exit(run(pod, container, images, volumes, options.without))


main()
