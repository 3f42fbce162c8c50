#!/usr/bin/env python3
"""Fails unless all went as the README says. Run in the repository: check.py TASKS JOURNAL

TASKS is what `waybill tasks create --json` printed, JOURNAL what the witness wrote.
"""
import json
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

FAULTS = []


def expect(what, holds):
    if not holds:
        FAULTS.append(what)


def said(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def ask(*args):
    return json.loads(said("waybill", *args, "--json"))["data"]


def ran_at_once(journal):
    """Every pair of tasks of which one began before the other had ended."""
    running, pairs = set(), set()
    for verb, task in (line.split() for line in journal.read_text().splitlines()):
        if verb == "begin":
            expect(f"{task} ran twice at once", task not in running)
            pairs |= {frozenset([task, other]) for other in running}
            running.add(task)
        else:
            running.discard(task)
    expect("every attempt that began has ended", not running)
    return pairs


def rev_of(task):
    """None of a task that has brought nothing, which is told elsewhere."""
    return (task["result"] or {}).get("rev")


def check_paths(tasks, journal):
    at_once = ran_at_once(journal)
    for other in ("yard", "league"):
        expect(f"mile and {other} never run at once", frozenset([tasks["mile"]["id"], tasks[other]["id"]]) not in at_once)
    for name in ("yard", "league", "mile", "document"):
        rev = rev_of(tasks[name])
        if rev is None:
            continue
        written = [path["pattern"] for path in tasks[name]["paths"] if path["mode"] == "write"]
        changed = said("git", "diff", "--name-only", f"{rev}^", rev).splitlines()
        expect(f"{name} has changed something", changed)
        for file in changed:
            expect(f"{name} may write {file}", any(fnmatch(file, pattern) for pattern in written))


def check_tasks(tasks):
    for name, task in tasks.items():
        expect(f"{name} is completed, not {task['state']}", task["state"] == "completed")
    ends = {name: [attempt["returned"] or attempt["state"] for attempt in task["attempts"]] for name, task in tasks.items()}
    expect(f"league asks, then brings: {ends['league']}", ends["league"] == ["needs_input", "review"])
    expect(
        f"of yard and mile one is sent back: {ends['yard']}, {ends['mile']}",
        sorted([ends["yard"], ends["mile"]]) == [["review"], ["review", "review"]],
    )
    expect(f"the agent has one attempt each: {ends['tag']}, {ends['sweep']}", ends["tag"] == ends["sweep"] == ["succeeded"])
    notes = {note["kind"] for note in tasks["league"]["notes"]}
    expect(f"the thread of league has question, answer and notes: {notes}", {"question", "answer", "note"} <= notes)


def check_repository(tasks):
    for name in ("yard", "league", "mile", "document"):
        rev = rev_of(tasks[name])
        merged = rev and subprocess.run(["git", "merge-base", "--is-ancestor", rev, "main"]).returncode == 0
        expect(f"what {name} has brought is in main", merged)
    table = Path("docs/units.md").read_text()
    for line in ("| yard | 0.9144 |", "| mile | 1609.344 |", "| league | 5556 |"):
        expect(f"docs/units.md has {line}", line in table)
    expect("v1 is main", said("git", "tag", "--points-at", "main") == "v1")
    expect("no worktree is left", len(said("git", "worktree", "list").splitlines()) == 1)


def main():
    created, journal = (Path(name) for name in sys.argv[1:])
    named = json.loads(created.read_text())["data"]["tasks"]
    tasks = {task["name"]: ask("tasks", "show", task["id"]) for task in named}
    check_tasks(tasks)
    check_paths(tasks, journal)
    check_repository(tasks)
    expect("no worker is left", ask("workers", "list")["workers"] == [])
    expect("nobody wrote too late", ask("store", "info")["stale_writes_refused"] == 0)
    for fault in FAULTS:
        print(f"not as it should be: {fault}", file=sys.stderr)
    if not FAULTS:
        print(f"{len(tasks)} tasks ended as they were meant to.")
    return 1 if FAULTS else 0


sys.exit(main())
