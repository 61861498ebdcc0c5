#!/usr/bin/env python3
# Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
# Compiles one source as it stands (good) or with PEERKIT_COMPILE_FAIL=1 (bad) and checks what the compiler says.
"""usage: check.py good|bad <source> <compiler> <flags file>
       check.py selftest <compiler>

The source names what the compiler must say, each as a regular expression on a line of its own:

    // expect: a datagram codec needs encode

All of them must match, with runs of white space taken as one space."""
import pathlib
import re
import subprocess
import sys
import tempfile


def compile_source(compiler, flags, source, extra):
    command = [compiler, *flags, *extra, "-fsyntax-only", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr), " ".join(command)


def check(mode, source, compiler, flags):
    """Returns a list of complaints, empty if all is well."""
    expected = re.findall(r"^\s*// expect: (.+?)\s*$", source.read_text(), re.MULTILINE)
    if not expected:
        return [f"{source.name}: no '// expect: regex' line says what the compiler must say"]
    if mode == "good":
        status, output, command = compile_source(compiler, flags, source, [])
        if status != 0:
            return [f"{source.name}: must compile as it stands\n{command}\n{output}"]
        return []
    status, output, command = compile_source(compiler, flags, source, ["-DPEERKIT_COMPILE_FAIL=1"])
    if status == 0:
        return [f"{source.name}: compiles with PEERKIT_COMPILE_FAIL=1, and must not"]
    return [
        f"{source.name}: fails, but nothing in the output matches '{regex}'\n{command}\n{output}"
        for regex in expected
        if not re.search(regex, output)
    ]


SELFTEST = [
    # (source, mode, words the complaint must contain, or None where there must be none)
    ("// expect: no digits here\n#ifdef PEERKIT_COMPILE_FAIL\nstatic_assert(false, \"no digits here\");\n#endif\n", "bad", None),
    ("// expect: no digits here\n#ifdef PEERKIT_COMPILE_FAIL\nstatic_assert(false, \"no digits here\");\n#endif\n", "good", None),
    ("// expect: no digits here\nint fine();\n", "bad", "and must not"),
    ("// expect: no digits here\n#ifdef PEERKIT_COMPILE_FAIL\nint x = missing;\n#endif\n", "bad", "nothing in the output matches"),
    ("// expect: no digits here\nint x = missing;\n", "good", "must compile as it stands"),
    ("int fine();\n", "bad", "says what the compiler must say"),
]


def selftest(compiler):
    bad = 0
    with tempfile.TemporaryDirectory() as scratch:
        for number, (text, mode, words) in enumerate(SELFTEST):
            source = pathlib.Path(scratch) / f"case{number}.cpp"
            source.write_text(text)
            said = "\n".join(check(mode, source, compiler, ["-std=c++20"]))
            if (words is None) != (said == "") or (words and words not in said):
                print(f"selftest case {number} ({mode}): wanted {words!r}, got {said!r}")
                bad = 1
    return bad


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "selftest":
        return selftest(sys.argv[2])
    if len(sys.argv) != 5 or sys.argv[1] not in ("good", "bad"):
        print(__doc__)
        return 2
    flags = [
        line
        for line in pathlib.Path(sys.argv[4]).read_text().splitlines()
        if line and line not in ("-I", "-D")
    ]
    complaints = check(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], flags)
    print("\n".join(complaints))
    return 1 if complaints else 0


sys.exit(main())
