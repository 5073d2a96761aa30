"""What each role may do, written by hand: who changes the template's policies changes this page, and sees what it means.

A row is `(actions, resource)` or `(actions, resource, condition)`. Nothing else is allowed, and nothing of it may be missing.
"""

TABLE, LISTING = "${Table.Arn}", "${Table.Arn}/index/listing"
DELIVERY, JOB, IMPORT, DEAD = (f"${{{queue}Queue.Arn}}" for queue in ("Delivery", "Job", "Import", "DeadLetter"))
KEY, BUCKET, PAYLOADS = "${Key.Arn}", "${Bucket.Arn}", "${Bucket.Arn}/payload/*"

# A data key is only given out for the organization that it was made for.
ORGANIZATIONS = {"StringLike": {"kms:EncryptionContext:fanfare:organization": "org_*"}}

CONSUME = "sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage"
LOG = "logs:CreateLogStream logs:PutLogEvents"


def partitions(*prefixes):
    """Only items whose partition begins so (docs/DATA.md says what they hold)."""
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(prefixes)}}


ROLES = {
    "PublishRole": [
        ("kms:Decrypt kms:GenerateDataKey", KEY, ORGANIZATIONS),
        ("dynamodb:BatchWriteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query", TABLE),
        ("dynamodb:UpdateItem", TABLE, partitions("C#*", "N#*", "Q#*")),
        ("sqs:SendMessage", DELIVERY),
        ("sqs:SendMessage", JOB),
        ("s3:DeleteObject s3:PutObject", PAYLOADS),
        (LOG, "${PublishLogs.Arn}"),
    ],
    "IngestRole": [
        ("kms:Decrypt kms:GenerateDataKey", KEY, ORGANIZATIONS),
        ("dynamodb:BatchWriteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query", TABLE),
        ("dynamodb:UpdateItem", TABLE, partitions("N#*", "Q#*")),
        ("sqs:SendMessage", DELIVERY),
        ("sqs:SendMessage", JOB),
        ("s3:DeleteObject s3:PutObject", PAYLOADS),
        (LOG, "${IngestLogs.Arn}"),
    ],
    "ManageRole": [
        ("kms:Decrypt kms:GenerateDataKey", KEY, ORGANIZATIONS),
        ("dynamodb:BatchGetItem dynamodb:BatchWriteItem dynamodb:ConditionCheckItem dynamodb:DeleteItem", TABLE),
        ("dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem", TABLE),
        ("sqs:SendMessage", JOB),
        ("sqs:GetQueueAttributes", DELIVERY),
        (LOG, "${ManageLogs.Arn}"),
    ],
    "HistoryRole": [
        ("kms:Decrypt", KEY, ORGANIZATIONS),
        ("dynamodb:BatchGetItem dynamodb:GetItem dynamodb:Query", TABLE),
        ("dynamodb:UpdateItem", TABLE, partitions("C#*", "F#*", "M#*", "N#*")),
        ("dynamodb:PutItem", TABLE, partitions("B#*", "F#*", "I#*")),
        ("dynamodb:Query", LISTING),
        ("sqs:SendMessage", DELIVERY),
        ("sqs:SendMessage", IMPORT),
        ("sqs:SendMessage", JOB),
        ("s3:DeleteObject s3:GetObject", PAYLOADS),
        ("s3:AbortMultipartUpload s3:GetObject s3:PutObject", "${Bucket.Arn}/import/*"),
        ("s3:GetObject", "${Bucket.Arn}/drop/*.errors.ndjson"),
        ("s3:ListBucket", BUCKET),
        (LOG, "${HistoryLogs.Arn}"),
    ],
    "DeliverRole": [
        ("kms:Decrypt", KEY, ORGANIZATIONS),
        ("dynamodb:BatchGetItem dynamodb:BatchWriteItem dynamodb:GetItem dynamodb:PutItem", TABLE),
        ("dynamodb:Query dynamodb:UpdateItem", TABLE),
        (CONSUME, DELIVERY),
        ("sqs:SendMessage", DELIVERY),
        ("sqs:SendMessage", JOB),
        ("s3:GetObject", PAYLOADS),
        (LOG, "${DeliverLogs.Arn}"),
    ],
    "BackgroundRole": [
        ("kms:Decrypt kms:GenerateDataKey", KEY, ORGANIZATIONS),
        ("dynamodb:BatchGetItem dynamodb:GetItem dynamodb:Query", TABLE),
        ("dynamodb:Query", LISTING),
        ("dynamodb:UpdateItem", TABLE, partitions("F#*", "M#*", "Q#*")),
        ("dynamodb:BatchWriteItem", TABLE, partitions("D#*", "G#*", "M#*", "Q#*")),
        ("dynamodb:PutItem", TABLE, partitions("B#*", "K#*", "M#*", "SWEEP")),
        ("s3:DeleteObject", PAYLOADS),
        ("sqs:SendMessage", DELIVERY),
        (CONSUME, JOB),
        ("sqs:SendMessage", JOB),
        (CONSUME, DEAD),
        (LOG, "${BackgroundLogs.Arn}"),
    ],
    "ImportRole": [
        ("kms:Decrypt kms:GenerateDataKey", KEY, ORGANIZATIONS),
        ("dynamodb:GetItem dynamodb:Query", TABLE),
        ("dynamodb:UpdateItem", TABLE, partitions("F#*", "Q#*")),
        ("dynamodb:BatchWriteItem dynamodb:PutItem", TABLE, partitions("D#*", "F#*", "I#*", "K#*", "M#*", "Q#*", "SWEEP")),
        ("sqs:SendMessage", DELIVERY),
        ("sqs:SendMessage", JOB),
        (CONSUME, IMPORT),
        ("sqs:SendMessage", IMPORT),
        ("s3:DeleteObject s3:PutObject", PAYLOADS),
        ("s3:GetObject s3:PutObject", "${Bucket.Arn}/import/*"),
        ("s3:GetObject s3:PutObject", "${Bucket.Arn}/drop/*"),
        ("s3:GetObject", "${Bucket.Arn}/files/*"),
        ("s3:ListBucket", BUCKET),
        (LOG, "${ImportLogs.Arn}"),
    ],
    "SweepRole": [
        ("dynamodb:BatchWriteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query", TABLE),
        ("sqs:SendMessage", DELIVERY),
        (LOG, "${SweepLogs.Arn}"),
    ],
    # Not of functions: EventBridge Scheduler's, and CodeDeploy's.
    "ScheduleRole": [("lambda:InvokeFunction", "${SweepFunctionAliaslive}")],
    "DeployRole": [
        *(
            ("lambda:GetAlias lambda:GetProvisionedConcurrencyConfig lambda:UpdateAlias", f"${{{name}Function.Arn}}{version}")
            for name in ("Publish", "Ingest", "Manage", "History", "Deliver", "Background", "Import", "Sweep")
            for version in ("", ":*")
        ),
        ("cloudwatch:DescribeAlarms", "*"),
    ],
}

# Every action or resource that is a bare `*`, or an action with one in it: where, and why that cannot be narrower.
STARS = {
    ("DeployRole", "cloudwatch:DescribeAlarms", "*"): "reads how alarms stand, asked for several at a time; changes nothing",
    ("Key", "kms:*", "*"): "a key's policy: the resource is the key itself, and the principal the account, whose IAM policies decide",
    ("BucketPolicy", "s3:*", "${Bucket.Arn}"): "a refusal, of everything without TLS",
    ("BucketPolicy", "s3:*", "${Bucket.Arn}/*"): "a refusal, of everything without TLS",
    **{
        (f"{queue}Policy", "sqs:*", f"${{{queue}.Arn}}"): "a refusal, of everything without TLS"
        for queue in ("DeliveryQueue", "JobQueue", "ImportQueue", "DeadLetterQueue")
    },
}
