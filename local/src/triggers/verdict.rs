//! What becomes of a batch, from what the function answered: Lambda's rules for partial batch responses, to the letter.
//!
//! | answer | what is deleted |
//! |---|---|
//! | no answer: error, panic, timeout | nothing |
//! | nothing reported (`null`, `{}`, an empty or null list) | everything |
//! | ids of messages of this batch | all but those |
//! | an id that is empty, null, missing, or not of this batch | nothing |
//! | not JSON, or of another shape | nothing |
//! | anything, when the mapping does not ask for failures | everything |
//!
//! What is not deleted comes back when its visibility timeout is over.

use std::collections::HashSet;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    batch_item_failures: Option<Vec<Failure>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: Option<String>,
}

/// What is to be deleted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The function did it all, but for the messages with these ids.
    DoneBut(HashSet<String>),
    /// Nothing counts as done; why.
    NothingDone(&'static str),
}

/// Reads the answer of a function to a batch of these message ids.
pub(crate) fn of(answer: &[u8], reports_failures: bool, message_ids: &[&str]) -> Verdict {
    if !reports_failures {
        return Verdict::DoneBut(HashSet::new());
    }
    let Ok(answer) = serde_json::from_slice::<Option<Answer>>(answer) else {
        return Verdict::NothingDone("the answer has another shape");
    };
    let failures = answer.and_then(|answer| answer.batch_item_failures).unwrap_or_default();
    let mut kept = HashSet::new();
    for failure in failures {
        match failure.item_identifier {
            Some(id) if message_ids.contains(&id.as_str()) => kept.insert(id),
            Some(id) if id.is_empty() => return Verdict::NothingDone("a reported id is empty"),
            Some(_) => return Verdict::NothingDone("a reported id is not of this batch"),
            None => return Verdict::NothingDone("a reported id is missing"),
        };
    }
    Verdict::DoneBut(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: Option<&[&str]>) {
        let verdict = of(answer.as_bytes(), true, &["a", "b", "c"]);
        match (expected, &verdict) {
            (None, Verdict::NothingDone(_)) => {}
            (Some(kept), Verdict::DoneBut(found)) => {
                assert_eq!(found, &kept.iter().map(|id| (*id).to_owned()).collect(), "{answer}");
            }
            _ => panic!("{answer}: {verdict:?}"),
        }
    }

    #[test]
    fn nothing_reported_means_everything_is_done() {
        check("null", Some(&[]));
        check("{}", Some(&[]));
        check(r#"{"batchItemFailures":null}"#, Some(&[]));
        check(r#"{"batchItemFailures":[]}"#, Some(&[]));
    }

    #[test]
    fn reported_messages_stay() {
        check(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, Some(&["b"]));
        check(r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"c"}]}"#, Some(&["a", "c"]));
    }

    #[test]
    fn an_answer_that_makes_no_sense_means_nothing_is_done() {
        check(r#"{"batchItemFailures":[{"itemIdentifier":"x"}]}"#, None);
        check(r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":""}]}"#, None);
        check(r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, None);
        check(r#"{"batchItemFailures":[{"messageId":"a"}]}"#, None);
        check(r#"{"batchItemFailures":"a"}"#, None);
        check("[1]", None);
        check("", None);
    }

    #[test]
    fn a_mapping_that_does_not_ask_is_not_told() {
        assert_eq!(of(b"\"anything\"", false, &["a"]), Verdict::DoneBut(HashSet::new()));
    }
}
