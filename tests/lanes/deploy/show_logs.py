#!/usr/bin/env python3
"""Prints what the functions of a stack logged, each log's last lines; exits with 1 when one of them speaks of an error of ours, or
of a time limit that ended an invocation.

    show_logs.py STACK
"""

import sys

import boto3

LINES_MAX = 30
OF_THE_RUNTIME = ("START ", "END ", "REPORT ", "INIT_START ")
BAD = ('"level":"ERROR"', "Task timed out", "Runtime.ExitError")

logs = boto3.client("logs")
is_bad = False
for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{sys.argv[1]}/")["logGroups"]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
    lines = [event["message"].rstrip() for page in pages for event in page["events"]]
    is_bad |= any(bad in line for line in lines for bad in BAD)
    said = [line for line in lines if not line.startswith(OF_THE_RUNTIME)]
    print(f"-- {group['logGroupName']}: {len(lines)} lines", *said[-LINES_MAX:], sep="\n")
sys.exit(is_bad)
