<?php

// Around a block of PHP: see run.py.
require __DIR__ . '/verify.php';

while (($line = fgets(STDIN)) !== false) {
    [$secret, $id, $sentAt, $signatures, $body] = explode("\t", rtrim($line, "\n"));
    $headers = ['webhook-id' => $id, 'webhook-timestamp' => $sentAt, 'webhook-signature' => $signatures];
    try {
        verify($secret, $headers, base64_decode($body));
        echo "true\n";
    } catch (Throwable) {
        echo "false\n";
    }
}
