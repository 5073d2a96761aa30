//! The function's bootstrap.
use fanfare::config::Platform;
use lambda_http::{Error, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(ingest::router(&Platform::from_env()?)).await
}
