//! What Fanfare promises, asked from outside: through the API with the official SDK, through the functions with the events
//! Lambda would send, and through flows on engines under a clock that a test moves.
//!
//! | module | promise |
//! |---|---|
//! | [`delivering`], [`filters`], [`retries`] | who gets a message, signed, and what happens when a receiver fails |
//! | [`health`], [`deadlines`] | when an endpoint is tried again, when it is given up, what expires |
//! | [`due`] | a retry that is hours away comes back at its time, whatever the sweep went through |
//! | [`idempotency`], [`creating`] | a repeated request does its work once |
//! | [`secrets`], [`resending`] | what deliveries carry through a rotation; one more attempt when a person asks |
//! | [`legacy_signatures`], [`public_keys`] | what receivers of older gateways, and those without a secret, verify with |
//! | [`import_command`] | `fanfare import` brings files in, from the program to the list of what is wrong with them |
//! | [`imports`] | every record of an uploaded file becomes a message, once, whatever happens on the way |
//! | [`caching`] | what was read is not sent again, and a change can be bound to what was seen |
//! | [`importing`], [`payload_schemas`] | event types out of a document; payloads held against their schemas |
//! | [`reading_files`] | files of messages are read to the last record, whatever is wrong with some of them |
//! | [`looking_back`] | how deliveries stand, attempts, statistics; contents that are removed stay removed |
//! | [`managing`], [`own_settings`] | applications, endpoints and event types are kept, for their owner only |
//! | [`faults`], [`poison`] | an engine that fails loses nothing and shows nothing of itself |
//! | [`trouble`], [`isolation`], [`zoo`] | receivers that are down, slow, limited or hostile cost nobody else anything, and lose nothing |
//! | [`ordering`] | messages of one key arrive in their order, where that is asked for |
//! | [`scheduled`], [`replaying`] | later, again, and in the background |
//! | [`fanning_out`] | a message for many endpoints reaches each of them once |
//! | [`undelivered`], [`dead_letters`] | what ended without being delivered is on record, and is sent again |
//! | [`sources`], [`inbound`] | a provider's webhooks are taken, once, when they are the provider's; what is not leaves nothing |
//! | [`operational`], [`operational_events`] | what the organization itself is told, and how it listens |
//! | [`ssrf`] | a webhook goes to the public internet and nowhere else, whatever a URL or a name server says |
//! | [`portal`] | what a customer's token may do, and how it ends |
//! | [`simulation`] | all of that under disasters drawn from seeds, in simulated time |
//! | [`restart`] | what was accepted is delivered after `kill -9` |
//! | [`bad_input`] | what is refused, with which status and shape, and that nothing of it is stored |
//! | [`sdk`] | what a customer's program does works with both generations of the official SDK |
//! | [`pages`] | a list is read whole, forward and back, while it grows |
//! | [`fuzz`] | what comes from outside damaged is refused: no panic, no 5xx, nothing slow |
//! | [`authorization`] | who may call what: every route with every role; forged tokens; identity providers; API keys |
//! | [`limits`], [`hygiene`] | who asks too often waits; what every response has, and what nobody is told |
//! | [`audit`] | every change of the configuration is on record, once, without secrets |
//! | [`encryption`] | a stolen table tells nothing; keys are replaced and erased |
//! | [`cost`] | what is asked of AWS for it, counted, is what `fanfare cost` reckons with |
//! | [`verifying`] | receivers that copy the code of `docs/VERIFYING.md` tell webhooks from forgeries |
//! | [`openapi`] | the document is complete, sound and true; the page shows it and nothing from elsewhere |
//! | [`events`], [`tidy`] | sample events, template, route table and rooms agree with the code |
//!
//! [`harness`] is how they ask.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that fails in setting up has failed
#![allow(unreachable_pub)]

mod harness;

mod audit;
mod authorization;
mod bad_input;
mod caching;
mod contract;
mod cost;
mod creating;
mod dead_letters;
mod deadlines;
mod delivering;
mod due;
mod encryption;
mod events;
mod fanning_out;
mod faults;
mod filters;
mod fuzz;
mod health;
mod hygiene;
mod idempotency;
mod import_command;
mod importing;
mod imports;
mod inbound;
mod inbound_vectors;
mod isolation;
mod legacy_signatures;
mod limits;
mod looking_back;
mod managing;
mod merging;
mod metrics;
mod openapi;
mod operational;
mod operational_events;
mod ordering;
mod own_settings;
mod pages;
mod payload_schemas;
mod poison;
mod portal;
mod public_keys;
mod reading_files;
mod replaying;
mod resending;
mod restart;
mod retries;
mod scheduled;
mod sdk;
mod secrets;
mod simulation;
mod sources;
mod ssrf;
mod tidy;
mod traces;
mod trouble;
mod undelivered;
mod verifying;
mod working;
mod zoo;
