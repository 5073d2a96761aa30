#!/usr/bin/env python3
"""Executes the change set that `sam deploy --no-execute-changeset` has left, and waits for its end. SAM would do it too, but looks
every 30 seconds.

    execute.py STACK
"""

import sys

import boto3

stack = sys.argv[1]
client = boto3.client("cloudformation")
(change_set,) = client.list_change_sets(StackName=stack)["Summaries"]
client.execute_change_set(ChangeSetName=change_set["ChangeSetId"], StackName=stack)
client.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
