#!/usr/bin/env python3
"""Plays the person: answers what is asked, and merges or sends back what agents have brought. Run in the repository.

A person would do the same with `waybill tasks answer` after a look at `waybill tasks show` and `git diff`.
"""
import json
import subprocess

SAYS = {"Which league": "The one of the sea"}


def ask(*args):
    command = ["waybill", *args, "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["data"]


def answer(task, *words):
    print(f"  {task['question']}\n    -> {' '.join(words)}", flush=True)
    subprocess.run(["waybill", "tasks", "answer", task["id"], *words, "--agent", "pat"], check=True)


def merges(branch, rev):
    if subprocess.run(["git", "merge", "--quiet", "--no-ff", "-m", f"Merge {branch}", rev]).returncode == 0:
        return True
    subprocess.run(["git", "merge", "--abort"], check=True)
    return False


def review(task):
    brought = task["attempts"][-1]["result"]
    if merges(brought["branch"], brought["rev"]):
        answer(task, "--accept")
    else:
        answer(task, "It does not merge any more. Do it again from main.")


def main():
    queued = ask("tasks", "list", "--state", "queued", "--limit", "100")["tasks"]
    for task in reversed(queued):  # The oldest first.
        if task["gate"] == "answer":
            asked = ask("tasks", "show", task["id"])
            answer(asked, next(says for words, says in SAYS.items() if asked["question"].startswith(words)))
        elif task["gate"] == "review":
            review(ask("tasks", "show", task["id"]))


main()
