#!/usr/bin/env python3
"""A worker like a coding agent: `waybill work --types code -- ./worker.py` runs it for each attempt of a task.

Its task is a line of JSON on stdin (and in WAYBILL_TASK_FILE); its working directory is a git repository. It works on a
branch and in a worktree of its own, so that several can work in one repository at once, and answers in the file that
WAYBILL_RESULT_FILE names. Where a model would write code this one adds a line; all the rest is what an agent does.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


class Question(Exception):
    """Only a person can say this."""


def git(*args, cwd=None):
    return subprocess.run(["git", *args], cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def waybill(verb, *args):
    """Says something about this attempt, under its fence. Fails when the task is somebody else's by now."""
    command = ["waybill", "tasks", verb, os.environ["WAYBILL_TASK_ID"], *args, "--fence", os.environ["WAYBILL_FENCE"]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def length_of(params, notes):
    """The length that is asked for; where there are several, the one that a person has named last."""
    if "metres" in params:
        return params["metres"]
    choices = params["choices"]
    answers = [note["text"] for note in notes if note["kind"] == "answer"]
    named = [word for text in answers for word in text.split() if word in choices]
    if named:
        return choices[named[-1]]
    offered = " or ".join(f"{word} ({metres} m)" for word, metres in choices.items())
    raise Question(f"Which {params['unit']}: {offered}?")


def add_unit(path, unit, metres):
    """Adds a line to the table in a file, where its name belongs."""
    first, *units, last = path.read_text().splitlines()
    lines = {re.search('"(.*)"', line).group(1): line for line in units}
    lines[unit] = f'    "{unit}": {metres},'
    path.write_text("\n".join([first, *(lines[name] for name in sorted(lines)), last]) + "\n")


def run_tests(tree):
    """How many pass; None when one fails."""
    command = [sys.executable, "-B", "-m", "unittest", "discover", "-s", "tests"]
    done = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout)  # What is printed is in the log of the task.
    return int(re.search(r"Ran (\d+) test", done.stdout).group(1)) if done.returncode == 0 else None


def work_in(tree, branch, params, metres):
    unit, file = params["unit"], params["file"]
    waybill("progress", json.dumps({"step": "edit", "of": file}))
    add_unit(tree / file, unit, metres)
    waybill("progress", json.dumps({"step": "test"}))
    passed = run_tests(tree)
    if passed is None:
        return {"kind": "fail", "summary": f"With {unit} = {metres} m the tests do not pass; see the log."}
    waybill("note", f"{unit} = {metres} m in {file}; {passed} tests pass.")
    git("add", file, cwd=tree)
    git("commit", "--quiet", "--message", f"Add the {unit}", cwd=tree)
    summary = f"The {unit} is {metres} m; {passed} tests pass. Does it go in?"
    # A fork is done, and a person has to look at it: the task is completed when it is accepted.
    return {"kind": "fork", "summary": summary, "branch": branch, "rev": git("rev-parse", "HEAD", cwd=tree)}


def perform(task):
    params = task["params"]
    metres = length_of(params, task["notes"])
    # An attempt may begin after another was killed anywhere: nothing of its own has the name of the one before.
    branch = f"agent/{params['unit']}-{task['attempt']}"
    with tempfile.TemporaryDirectory(prefix="agent-") as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--quiet", "-b", branch, str(tree), "main")
        try:
            return work_in(tree, branch, params, metres)
        finally:
            git("worktree", "remove", "--force", str(tree))


def main():
    # When its time is over, or the task is cancelled, it is told to end: it tidies up, and is not asked for a result.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        result = perform(json.load(sys.stdin))
    except Question as question:
        result = {"kind": "needs_input", "summary": str(question)}
    Path(os.environ["WAYBILL_RESULT_FILE"]).write_text(json.dumps({"v": 2, **result}))


main()
