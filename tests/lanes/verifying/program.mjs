// Around a block of JavaScript: see run.py.
import { readFileSync } from "node:fs";
import { verify } from "./verify.mjs";

for (const line of readFileSync(0, "utf8").trimEnd().split("\n")) {
    const [secret, id, sentAt, signatures, body] = line.split("\t");
    const headers = { "webhook-id": id, "webhook-timestamp": sentAt, "webhook-signature": signatures };
    try {
        verify(secret, headers, Buffer.from(body, "base64"));
        console.log("true");
    } catch {
        console.log("false");
    }
}
