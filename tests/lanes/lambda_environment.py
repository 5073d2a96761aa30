"""What Lambda and template.yaml put into a function's environment, for lanes that start one by themselves."""


def queue(aws, name):
    """The URL of a queue of engines at this address."""
    return f"{aws}/000000000000/{name}"


def environment(runtime_api_port, jwt_secret, aws="http://127.0.0.1:1", delivery_queue="fanfare-delivery"):
    """Of a function that finds its Runtime API at this port, and its queues at this address."""
    return {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime_api_port}",
        "AWS_LAMBDA_FUNCTION_NAME": "measured",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_LOG_GROUP_NAME": "measured",
        "AWS_LAMBDA_LOG_STREAM_NAME": "measured",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "FANFARE_TABLE": "fanfare",
        "FANFARE_BUCKET": "fanfare",
        "FANFARE_DELIVERY_QUEUE_URL": queue(aws, delivery_queue),
        "FANFARE_JOB_QUEUE_URL": queue(aws, "fanfare-job"),
        "FANFARE_IMPORT_QUEUE_URL": queue(aws, "fanfare-import"),
        "FANFARE_KMS_KEY": "arn:aws:kms:us-east-1:000000000000:key/fanfare",
        "FANFARE_JWT_SECRET": jwt_secret,
    }
