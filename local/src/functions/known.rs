//! Which handler belongs to which binary: the one list to extend when a function is added.

use fanfare::config::Platform;

use super::handler::{Handler, events, http};

/// The handler of the function that the template builds from this package, made as its `main.rs` makes it. None for a
/// package nobody told the local gateway about.
pub(crate) fn handler_of(binary: &str, platform: &Platform) -> Option<Box<dyn Handler>> {
    Some(match binary {
        "publish" => Box::new(http(publish::router(platform))),
        "manage" => Box::new(http(manage::router(platform))),
        "ingest" => Box::new(http(ingest::router(platform))),
        "history" => Box::new(http(history::router(platform))),
        "deliver" => {
            let door = deliver::Door::new(platform);
            Box::new(events(move |event| {
                let door = door.clone();
                async move { door.handle(event).await }
            }))
        }
        "background" => {
            let door = background::Door::new(platform);
            Box::new(events(move |event| {
                let door = door.clone();
                async move { door.handle(event).await }
            }))
        }
        "import" => {
            let door = import::Door::new(platform);
            Box::new(events(move |event| {
                let door = door.clone();
                async move { door.handle(event).await }
            }))
        }
        "sweep" => {
            let door = sweep::Door::new(platform);
            Box::new(events(move |event| {
                let door = door.clone();
                async move { door.handle(event).await }
            }))
        }
        _ => return None,
    })
}
