"""Reading unit files: systemd.syntax(7)."""
import subprocess


def read(paths, name):
    """The settings of [Service] in a unit and its drop-ins, in order, as lists of values; an empty one resets.

    Known specifiers are %p and %S, which in a system service is /var/lib (systemd.unit(5)).
    """
    settings, section = {}, None
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file.read().replace("\\\n", " ").splitlines():
                line = line.strip()
                if not line or line[0] in "#;":
                    continue
                if line[0] == "[":
                    section = line
                elif section == "[Service]":
                    key, value = (part.strip() for part in line.split("=", 1))
                    value = value.replace("%p", name).replace("%S", "/var/lib")
                    if "%" in value:
                        raise ValueError(f"{path}: a specifier in {line!r} that is not known here")
                    values = settings.setdefault(key, [])
                    values.append(value) if value else values.clear()
    return settings


def system_calls(words, numbers):
    """Numbers of the system calls that a SystemCallFilter= allows, as systemd here has its groups."""
    # On stderr it regrets that it cannot say which calls are in no group.
    text = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter"], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    groups, group = {}, None
    for line in text.splitlines():
        word = line.strip()
        if line.startswith("@"):
            group = groups.setdefault(word, [])
        elif word and not word.startswith("#") and group is not None:
            group.append(word)
    allowed, todo = set(), ["@default", *words]
    while todo:
        word = todo.pop()
        if word.startswith("@"):
            todo += groups[word]
        elif word in numbers:  # the groups have calls of other architectures, too
            allowed.add(numbers[word])
    return sorted(allowed)
