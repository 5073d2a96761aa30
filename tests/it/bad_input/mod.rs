//! What is refused: with which status, in which shape, and that nothing of it is stored.

mod bodies;
mod bombs;
mod paths;
mod table;
mod tokens;

fn long(text: &str, times: usize) -> String {
    text.repeat(times)
}
