"""Filters of system calls for a process that is about to execute another: seccomp(2). x86-64."""
import ctypes
import os
import re
import struct

# linux/prctl.h, linux/seccomp.h, linux/filter.h
PR_SET_SECCOMP, FILTER_MODE = 22, 2
ALLOW, EPERM, ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
libc = ctypes.CDLL(None, use_errno=True)


def numbers():
    """System calls by their names."""
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", encoding="utf-8") as file:
        return {name: int(text) for name, text in re.findall(r"#define __NR_(\w+) (\d+)", file.read())}


def install(answers, otherwise):
    """From now on a call with a number in `answers` gets that answer, and any other one `otherwise`.

    Needs PR_SET_NO_NEW_PRIVS or CAP_SYS_ADMIN.
    """
    steps = [(LOAD, 0, 0, 0)]
    for number, answer in answers.items():
        steps += [(JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, answer)]
    steps.append((RETURN, 0, 0, otherwise))
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    # struct sock_fprog
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    if libc.prctl(PR_SET_SECCOMP, ctypes.c_ulong(FILTER_MODE), program, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
