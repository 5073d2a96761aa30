// Webhooks signed with the providers' own libraries for Node, one JSON object a line:
// {"by", "provider", "secret", "seconds", "url", "headers", "body" (base64), "isRight"}.

import { createHmac, createSign, generateKeyPairSync, randomBytes, randomInt, randomUUID } from "node:crypto";

import adyen from "@adyen/api-library";
import { sign as githubSign, verify as githubVerify } from "@octokit/webhooks-methods";
import { Paddle } from "@paddle/paddle-node-sdk";
import sendgrid from "@sendgrid/eventwebhook";
import "@shopify/shopify-api/adapters/node";
import { createSHA256HMAC, HashFormat } from "@shopify/shopify-api/runtime";
import { WebhooksHelper as Square } from "square";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import twilio from "twilio";

const count = Number(process.argv[2]);
const seconds = Math.floor(Date.now() / 1000);
const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";

// What a library says about a request is what we have to say.
function emit(by, { provider, secret, url = "https://example.com/in", headers, body, isRight }) {
  const encoded = Buffer.from(body, "utf8").toString("base64");
  const line = { by, provider, secret, seconds, url, headers: Object.entries(headers), body: encoded, isRight };
  process.stdout.write(JSON.stringify(line) + "\n");
}

function must(isSo, what) {
  if (!isSo) throw new Error(what);
}

const ALPHABET = [..." \t\n\"\\/:;,.=&%+?#'{}[]aZ09ßéЖ中😀\u0001\u2028"];
const text = (length) => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
const token = (bytes = 24) => randomBytes(bytes).toString("base64url");

function randomJson() {
  const value = { id: `evt_${token(9)}`, type: "thing.happened", text: text(randomInt(80)), n: randomInt(1e9) / 7 };
  value.list = Array.from({ length: randomInt(4) }, () => ({ [text(3)]: text(5) }));
  return JSON.stringify(value, null, randomInt(3));
}

// A right request, the same with another body, and one that was signed with another secret.
async function three(by, kind, newSecret, sign, verify, url) {
  const provider = { kind };
  const [secret, other] = [newSecret(), newSecret()];
  const [body, changed] = [randomJson(), randomJson()];
  const headers = { "content-type": JSON_TYPE, ...(await sign(body, secret)) };
  const otherHeaders = { "content-type": JSON_TYPE, ...(await sign(body, other)) };
  must(await verify(body, headers, secret), `${by} does not accept its own signature`);
  must(!(await verify(changed, headers, secret)), `${by} accepts another body`);
  must(!(await verify(body, otherHeaders, secret)), `${by} accepts another secret`);
  emit(by, { provider, secret, url, headers, body, isRight: true });
  emit(by, { provider, secret, url, headers, body: changed, isRight: false });
  emit(by, { provider, secret, url, headers: otherHeaders, body, isRight: false });
}

// False also when it throws.
const holds = async (check) => {
  try {
    return (await check()) !== false;
  } catch {
    return false;
  }
};

async function stripeVectors() {
  const { webhooks } = new Stripe("sk_test_none");
  const sign = (payload, secret) => ({
    "Stripe-Signature": webhooks.generateTestHeaderString({ payload, secret, timestamp: seconds }),
  });
  const verify = (body, headers, secret) =>
    holds(() => void webhooks.constructEvent(body, headers["Stripe-Signature"], secret));
  await three("stripe", "stripe", () => `whsec_${token()}`, sign, verify);
}

async function githubVectors() {
  const sign = async (body, secret) => ({ "X-Hub-Signature-256": await githubSign(secret, body) });
  const verify = (body, headers, secret) => githubVerify(secret, body, headers["X-Hub-Signature-256"]);
  await three("octokit", "github", token, sign, verify);
}

async function shopifyVectors() {
  const hmac = (body, secret) => createSHA256HMAC(secret, body, HashFormat.Base64);
  const sign = async (body, secret) => ({ "X-Shopify-Hmac-Sha256": await hmac(body, secret) });
  const verify = async (body, headers, secret) => (await hmac(body, secret)) === headers["X-Shopify-Hmac-Sha256"];
  await three("shopify", "shopify", () => `shpss_${token()}`, sign, verify);
}

async function paddleVectors() {
  const { webhooks } = new Paddle("none");
  const sign = (body, secret) => {
    const ts = Math.floor(Date.now() / 1000);
    return { "Paddle-Signature": `ts=${ts};h1=${createHmac("sha256", secret).update(`${ts}:${body}`).digest("hex")}` };
  };
  const verify = (body, headers, secret) =>
    webhooks.isSignatureValid(body, secret, headers["Paddle-Signature"]);
  await three("paddle", "paddle", () => `pdl_ntfset_${token()}`, sign, verify);
}

async function squareVectors() {
  const url = `https://example.com/in/${token()}?a=${randomInt(9)}`;
  const header = "x-square-hmacsha256-signature";
  const sign = (body, secret) => ({ [header]: createHmac("sha256", secret).update(url + body).digest("base64") });
  const verify = (requestBody, headers, signatureKey) =>
    Square.verifySignature({ requestBody, signatureHeader: headers[header], signatureKey, notificationUrl: url });
  await three("square", "square", token, sign, verify, url);
}

async function standardVectors() {
  const id = `msg_${token()}`;
  const at = new Date(seconds * 1000);
  const sign = (prefix) => (body, secret) => ({
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(seconds),
    [`${prefix}-signature`]: new StandardWebhook(secret).sign(id, at, body),
  });
  // The library parses the body too.
  const verify = (prefix) => (body, headers, secret) =>
    holds(() => {
      const standard = Object.entries(headers).map(([name, value]) => [name.replace(prefix, "webhook"), value]);
      new StandardWebhook(secret).verify(body, Object.fromEntries(standard));
    });
  const secret = () => `whsec_${randomBytes(randomInt(24, 65)).toString("base64")}`;
  await three("standardwebhooks", "standard-webhooks", secret, sign("webhook"), verify("webhook"));
  await three("standardwebhooks", "standard-webhooks", secret, sign("svix"), verify("svix"));
  await three("standardwebhooks", "gitlab", secret, sign("webhook"), verify("webhook"));
}

async function adyenVectors() {
  const validator = new adyen.hmacValidator();
  const secret = randomBytes(32).toString("hex").toUpperCase();
  const provider = { kind: "adyen" };
  const item = () => ({
    pspReference: token(8),
    originalReference: randomInt(2) ? "" : token(8),
    merchantAccountCode: "Acme:EU",
    merchantReference: `order ${text(12)}`,
    amount: { value: randomInt(1e6), currency: "EUR" },
    eventCode: "AUTHORISATION",
    success: randomInt(2) ? "true" : "false",
    additionalData: {},
    reason: text(9),
  });
  const signed = (item) => {
    item.additionalData.hmacSignature = validator.calculateHmac(item, secret);
    must(validator.validateHMAC(item, secret), "adyen does not accept its own signature");
    return item;
  };
  const bodyOf = (items) =>
    JSON.stringify({ live: "false", notificationItems: items.map((item) => ({ NotificationRequestItem: item })) });
  const items = Array.from({ length: randomInt(1, 4) }, () => signed(item()));
  const headers = { "content-type": JSON_TYPE };
  emit("adyen", { provider, secret, headers, body: bodyOf(items), isRight: true });
  items.at(-1).amount.value += 1;
  must(!validator.validateHMAC(items.at(-1), secret), "adyen accepts another amount");
  emit("adyen", { provider, secret, headers, body: bodyOf(items), isRight: false });

  const body = randomJson();
  const whole = { ...headers, HmacSignature: validator.calculateHmac(body, secret) };
  must(validator.validateHMACSignature(secret, whole.HmacSignature, body), "adyen does not accept its own signature");
  emit("adyen", { provider, secret, headers: whole, body, isRight: true });
  emit("adyen", { provider, secret, headers: whole, body: body + " ", isRight: false });
}

async function twilioVectors() {
  const secret = token(16);
  const provider = { kind: "twilio" };
  const port = ["", ":443", ":8443"][randomInt(3)];
  const url = `https://example.com${port}/in/${token(6)}?a=b%20c&d='${randomInt(9)}'`;
  const fields = { MessageSid: `SM${token(8)}`, SmsStatus: "received", Body: text(randomInt(60)), From: "+1555" };
  if (randomInt(2)) fields.Twice = ["b", "a", "b"];
  const form = new URLSearchParams();
  for (const [name, values] of Object.entries(fields)) for (const value of [values].flat()) form.append(name, value);
  for (const algorithm of ["HMAC_SHA1", "HMAC_SHA256"]) {
    const settings = { "X-Twilio-Webhooks-Signature-Settings": `key=webhooks_sharedkey_1,algorithm=${algorithm}` };
    const with_ = (type, signature) => ({
      "content-type": type,
      "X-Twilio-Signature": signature,
      ...(algorithm === "HMAC_SHA1" ? {} : settings),
    });
    const signature = twilio.getExpectedTwilioSignature(secret, url, fields, algorithm);
    must(twilio.validateRequest(secret, signature, url, fields, algorithm), "twilio does not accept its own signature");
    const headers = with_(FORM, signature);
    emit("twilio", { provider, secret, url, headers, body: form.toString(), isRight: true });
    emit("twilio", { provider, secret, url, headers, body: `${form}&x=1`, isRight: false });
    emit("twilio", { provider, secret: token(16), url, headers, body: form.toString(), isRight: false });

    const body = randomJson();
    const signedUrl = `${url}&bodySHA256=${twilio.getExpectedBodyHash(body)}`;
    const ofUrl = twilio.getExpectedTwilioSignature(secret, signedUrl, null, algorithm);
    must(twilio.validateRequestWithBody(secret, ofUrl, signedUrl, body, algorithm), "twilio refuses its own body");
    must(!twilio.validateRequestWithBody(secret, ofUrl, signedUrl, body + " ", algorithm), "twilio accepts any body");
    const bodyHeaders = with_(JSON_TYPE, ofUrl);
    emit("twilio", { provider, secret, url: signedUrl, headers: bodyHeaders, body, isRight: true });
    emit("twilio", { provider, secret, url: signedUrl, headers: bodyHeaders, body: body + " ", isRight: false });
  }
}

async function sendgridVectors() {
  const webhook = new sendgrid.EventWebhook();
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const secret = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const events = Array.from({ length: randomInt(1, 5) }, () => ({ sg_event_id: randomUUID(), event: "open", text: text(9) }));
  const body = JSON.stringify(events) + "\r\n";
  const signature = createSign("SHA256").update(seconds + body).sign(privateKey).toString("base64");
  const verify = (body) =>
    webhook.verifySignature(webhook.convertPublicKeyToECDSA(secret), body, signature, String(seconds));
  must(verify(body), "sendgrid does not accept the signature");
  must(!verify(body + "\n"), "sendgrid accepts another body");
  const headers = {
    "content-type": JSON_TYPE,
    [sendgrid.EventWebhookHeader.SIGNATURE()]: signature,
    [sendgrid.EventWebhookHeader.TIMESTAMP()]: String(seconds),
  };
  const provider = { kind: "sendgrid" };
  emit("sendgrid", { provider, secret, headers, body, isRight: true });
  emit("sendgrid", { provider, secret, headers, body: body + "\n", isRight: false });
}

for (let n = 0; n < count; n++) {
  await stripeVectors();
  await githubVectors();
  await shopifyVectors();
  await paddleVectors();
  await squareVectors();
  await standardVectors();
  await adyenVectors();
  await twilioVectors();
  await sendgridVectors();
}
