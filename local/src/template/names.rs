//! What resources are called on this machine.

/// What every physical name begins with.
const PREFIX: &str = "fanfare";

/// The physical name of a table, queue or bucket: `fanfare-`, then the logical id in kebab case without the word for its
/// kind. Nothing is left of `Table` and `Bucket`, so they are called `fanfare`; `DeadLetterQueue` is
/// `fanfare-dead-letter`.
pub fn physical_name(logical_id: &str, kind: &str) -> String {
    let own = logical_id.strip_suffix(kind).unwrap_or(logical_id);
    own.chars().fold(PREFIX.to_owned(), |mut name, character| {
        if character.is_ascii_uppercase() {
            name.push('-');
        }
        name.push(character.to_ascii_lowercase());
        name
    })
}

#[cfg(test)]
mod tests {
    use super::physical_name;

    #[test]
    fn a_name_follows_from_the_logical_id() {
        assert_eq!(physical_name("Table", "Table"), "fanfare");
        assert_eq!(physical_name("Bucket", "Bucket"), "fanfare");
        assert_eq!(physical_name("DeliveryQueue", "Queue"), "fanfare-delivery");
        assert_eq!(physical_name("DeadLetterQueue", "Queue"), "fanfare-dead-letter");
        assert_eq!(physical_name("Queued", "Queue"), "fanfare-queued");
    }
}
