"""Which tests a run of the lane second-engines.sh has.

    choose.py RUN BINARY     their names, one a line

runs.tsv beside this says it, a line each: the run, `+` or `-`, a test or a module of tests, and for `-` the reason. The line that
names a test most closely decides. Who is left out is named on stderr, with the reason. A line that names nobody is an error: it would
hide the next test of that name. Tests that `cargo test` ignores are not asked.
"""

import pathlib
import subprocess
import sys

run, binary = sys.argv[1:]


def listed(*flags):
    told = subprocess.run([binary, "--list", *flags], check=True, capture_output=True, text=True).stdout
    return [line.removesuffix(": test") for line in told.splitlines() if line.endswith(": test")]


ignored = set(listed("--ignored"))
tests = [test for test in listed() if test not in ignored]
lines = pathlib.Path(__file__).with_name("runs.tsv").read_text().splitlines()
rules = [line.split("\t") for line in lines if line.startswith(run + "\t")]


def names(rule, test):
    return rule[2] == "*" or test == rule[2] or test.startswith(rule[2] + "::")


for rule in rules:
    if not any(names(rule, test) for test in tests):
        sys.exit(f"runs.tsv: {run}: there is no {rule[2]}")
chosen, left_out = [], []
for test in tests:
    rule = max((rule for rule in rules if names(rule, test)), key=lambda rule: len(rule[2]), default=None)
    if rule and rule[1] == "+":
        chosen.append(test)
    elif rule:
        left_out.append((rule[2], rule[3], test))

for name in dict.fromkeys((name, reason) for name, reason, _ in left_out):
    count = sum(1 for each in left_out if each[:2] == name)
    print(f"LEFT OUT of {run}: {name[0]} ({count}): {name[1]}", file=sys.stderr)
elsewhere = len(tests) - len(chosen) - len(left_out)
print(f"{run}: {len(chosen)} tests run, {len(left_out)} are left out, {elsewhere} are not about it", file=sys.stderr)
print(*chosen, sep="\n")
