//! The function's bootstrap.
use fanfare::config::Platform;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let door = import::Door::new(&Platform::from_env()?);
    run(service_fn(|event: LambdaEvent<_>| door.handle(event))).await
}
