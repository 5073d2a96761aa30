//! `fanfare token`: a bearer token that a gateway with the same secret takes.

use std::process::ExitCode;

use fanfare::effects::Effects;
use fanfare::http::auth::issue_role_token;

use super::args::TokenArgs;
use super::terminal::say;
use crate::secret;

const DAY_S: i64 = 24 * 60 * 60;

pub(super) fn run(args: TokenArgs) -> anyhow::Result<ExitCode> {
    let effects = Effects::system();
    let secret = match args.state.jwt_secret {
        Some(secret) => secret,
        None => secret::of_directory(&args.state.data, &*effects.random)?,
    };
    let lifetime_s = i64::from(args.expires_days) * DAY_S;
    say(&issue_role_token(&secret, &args.organization, args.role, effects.now(), lifetime_s)?);
    Ok(ExitCode::SUCCESS)
}
