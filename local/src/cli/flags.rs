//! Flags that are settings: what `--help` says of them comes from the table of settings, so that it is said in one place.

use clap::CommandFactory as _;
use fanfare::config::{Form, Setting, WhenUnset};

use super::args::Cli;
use crate::options::LOCAL_DEFAULTS;

/// What a setting is on one machine when nobody says.
pub(super) fn default(setting: &Setting) -> &'static str {
    let here = LOCAL_DEFAULTS.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| *value);
    here.unwrap_or(match setting.when_unset {
        WhenUnset::Value(text) => text,
        WhenUnset::Nothing | WhenUnset::Required => "",
    })
}

/// What `--help` says of a setting: what its table says, and what it is on one machine.
pub(super) fn help(setting: &Setting) -> String {
    let form = match setting.form {
        Form::YesOrNo => String::new(), // stands behind the flag
        form => format!(" ({form})").replace('`', ""),
    };
    let default = match default(setting) {
        "" => "none",
        text => text,
    };
    format!("{}{form} [default: {default}]", setting.meaning().replace('`', ""))
}

/// One flag of `fanfare` that has a twin in the environment.
#[derive(Clone, Debug)]
pub struct Flag {
    /// `--listen`
    pub flag: String,
    /// `FANFARE_LISTEN`
    pub variable: String,
    /// What `--help` says of it.
    pub help: String,
    /// What it is when nobody says, if it is anything.
    pub default: Option<String>,
}

/// The flags with a twin in the environment, of `fanfare` and of its commands, each once.
pub fn flags() -> Vec<Flag> {
    let command = Cli::command();
    let mut flags: Vec<Flag> = Vec::new();
    for argument in command.get_arguments().chain(command.get_subcommands().flat_map(|each| each.get_arguments())) {
        let (Some(long), Some(variable)) = (argument.get_long(), argument.get_env()) else { continue };
        let variable = variable.to_string_lossy().into_owned();
        if flags.iter().any(|flag| flag.variable == variable) {
            continue;
        }
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let default = argument.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
        flags.push(Flag { flag: format!("--{long}"), variable, help, default });
    }
    flags
}

#[cfg(test)]
mod tests {
    use fanfare::config::names;

    use super::*;

    #[test]
    fn help_says_what_the_table_of_settings_says() {
        let help = Cli::command().render_long_help().to_string();
        for said in ["Seconds a receiver has to answer one attempt (1 to 30 seconds) [default: 15]", "[default: false]"]
        {
            assert!(help.contains(said), "{said}");
        }
        assert!(flags().iter().any(|flag| flag.flag == "--https-only" && flag.variable == names::HTTPS_ONLY));
    }
}
