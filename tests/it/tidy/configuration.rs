//! `docs/CONFIGURATION.md` is made of the table of settings, of `template.yaml` and of the flags of `fanfare`, which say the same.
//!
//! To write it anew: `FANFARE_WRITE_DOCS=1 cargo test -p fanfare-tests --test it tidy::configuration`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use fanfare::config::{Form, SETTINGS, Setting, WhenUnset, names};
use fanfare_local::LOCAL_DEFAULTS;
use fanfare_local::cli::{Flag, flags};
use yaml_serde::Value;

use crate::harness::process::root;

const FILE: &str = "docs/CONFIGURATION.md";

/// Where a stack has another default than a function that is told nothing: it shall not be without a limit because nobody thought
/// of one; a function that no limit concerns has none.
const OTHER_DEFAULT_WHEN_DEPLOYED: [&str; 2] = [names::RATE_LIMIT, names::TOKEN_RATE_LIMIT];

const HEAD: &str = "\
# Configuration

Made of the table of settings (`shared/src/config/table.rs`), of `template.yaml` and of the flags of `fanfare`. Do not edit it; write it
anew with `FANFARE_WRITE_DOCS=1 cargo test -p fanfare-tests --test it tidy::configuration`.

A setting is a variable in the environment of a function. A stack sets it from a parameter of `template.yaml`
(`sam deploy --parameter-overrides RequestTimeout=10`), the local gateway from a flag or from a variable of the same name. Values are
checked when a process starts: one that makes no sense keeps it from starting, and the error names the variable. A variable that is set
to nothing counts as not set; only an empty retry schedule means something.

Endpoints may be set apart from the rest in what concerns them: see [DELIVERY.md](DELIVERY.md).
";

/// What the template says, as it is written: not what its references come to.
struct Template(Value);

impl Template {
    fn read() -> Self {
        Self(yaml_serde::from_str(&std::fs::read_to_string(root().join("template.yaml")).unwrap()).unwrap())
    }

    /// Parameters, in the template's order.
    fn parameters(&self) -> Vec<(&str, &Value)> {
        self.0["Parameters"].as_mapping().unwrap().iter().map(|(name, said)| (name.as_str().unwrap(), said)).collect()
    }

    /// Variables of the functions' environments: what sets each, and who has it; nobody is named when all have it.
    fn variables(&self) -> BTreeMap<&str, (&Value, BTreeSet<&str>)> {
        let is_function = |resource: &&Value| resource["Type"].as_str() == Some("AWS::Serverless::Function");
        let functions = self.0["Resources"].as_mapping().unwrap().values().filter(is_function);
        let of_functions = functions.map(|function| (Some(binary(function)), &function["Properties"]));
        let mut found: BTreeMap<&str, (&Value, BTreeSet<&str>)> = BTreeMap::new();
        for (function, has) in std::iter::once((None, &self.0["Globals"]["Function"])).chain(of_functions) {
            for (name, value) in environment(has).unwrap_or_default() {
                let (said, functions) = found.entry(name).or_insert_with(|| (value, BTreeSet::new()));
                assert_eq!(*said, value, "{name} is set from two places");
                functions.extend(function);
            }
        }
        found
    }
}

fn environment(has: &Value) -> Option<Vec<(&str, &Value)>> {
    let variables = has.get("Environment")?.get("Variables")?.as_mapping()?;
    Some(variables.iter().map(|(name, value)| (name.as_str().unwrap(), value)).collect())
}

fn binary(function: &Value) -> &str {
    function["Metadata"]["BuildProperties"]["Binary"].as_str().unwrap()
}

/// The parameter that `!Ref` names.
fn parameter<'a>(template: &'a Template, value: &Value) -> Option<(&'a str, &'a Value)> {
    let Value::Tagged(tagged) = value else { return None };
    let name = tagged.value.as_str().filter(|_| tagged.tag == "Ref")?;
    template.parameters().into_iter().find(|(parameter, _)| *parameter == name)
}

/// A scalar as one would write it on a command line.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => panic!("{other:?} is no text and no number"),
    }
}

fn code(text: &str) -> String {
    if text.is_empty() { "empty".to_owned() } else { format!("`{text}`") }
}

fn when_unset(setting: &Setting) -> &'static str {
    match setting.when_unset {
        WhenUnset::Value(text) => text,
        WhenUnset::Nothing | WhenUnset::Required => "",
    }
}

/// One line of a table; a bar would end a cell.
fn row(cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn table(head: &[&str]) -> String {
    format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()))
}

fn settings_table(template: &Template, flags: &[Flag]) -> String {
    let variables = template.variables();
    let mut out = table(&["variable", "meaning", "values", "default", "parameter", "flag", "functions"]);
    for setting in SETTINGS {
        let (value, functions) = &variables[setting.name];
        let mut defaults = match setting.when_unset {
            WhenUnset::Required => vec!["must be set".to_owned()],
            WhenUnset::Nothing | WhenUnset::Value(_) => vec![code(when_unset(setting))],
        };
        let parameter = parameter(template, value);
        let deployed = parameter.and_then(|(_, said)| said.get("Default")).map(text);
        defaults.extend(
            deployed.filter(|text| text != when_unset(setting)).map(|text| format!("deployed {}", code(&text))),
        );
        let local = LOCAL_DEFAULTS.iter().find(|(name, _)| *name == setting.name).map(|(_, value)| *value);
        defaults.extend(local.filter(|text| *text != when_unset(setting)).map(|text| format!("local {}", code(text))));
        let flag = flags.iter().find(|flag| flag.variable == setting.name);
        out += &row(&[
            code(setting.name),
            setting.meaning().to_owned(),
            setting.form.to_string(),
            defaults.join("; "),
            parameter.map_or_else(|| "by the stack".to_owned(), |(name, _)| code(name)),
            flag.map_or_else(String::new, |flag| code(&flag.flag)),
            if functions.is_empty() { "all".to_owned() } else { Vec::from_iter(functions.iter().copied()).join(", ") },
        ]);
    }
    out
}

/// Parameters that are no variable of a function.
fn parameters_table(template: &Template) -> String {
    let variables = template.variables();
    let is_variable = |name: &str| {
        variables.values().any(|(value, _)| parameter(template, value).is_some_and(|(parameter, _)| parameter == name))
    };
    let mut out = table(&["parameter", "meaning", "values", "default"]);
    for (name, said) in template.parameters().into_iter().filter(|(name, _)| !is_variable(name)) {
        let values = match said.get("AllowedValues").and_then(Value::as_sequence) {
            Some(values) => values.iter().map(|value| code(&text(value))).collect::<Vec<_>>().join(", "),
            None => bounds(said),
        };
        let default = said.get("Default").map_or_else(|| "must be given".to_owned(), |value| code(&text(value)));
        out += &row(&[code(name), text(&said["Description"]), values, default]);
    }
    out
}

fn bounds(said: &Value) -> String {
    match (said.get("MinValue").map(text), said.get("MaxValue").map(text), said.get("AllowedPattern").map(text)) {
        (Some(least), Some(most), _) => format!("{least} to {most}"),
        (Some(least), None, _) => format!("{least} or more"),
        (None, Some(most), _) => format!("at most {most}"),
        (None, None, Some(pattern)) => code(&pattern),
        (None, None, None) => "text".to_owned(),
    }
}

fn flags_table(flags: &[Flag]) -> String {
    let mut out = table(&["flag", "variable", "meaning", "default"]);
    for flag in flags.iter().filter(|flag| SETTINGS.iter().all(|setting| setting.name != flag.variable)) {
        let default = flag.default.as_deref().map(code).unwrap_or_default();
        out += &row(&[code(&flag.flag), code(&flag.variable), flag.help.clone(), default]);
    }
    out
}

fn document() -> String {
    let (template, flags) = (Template::read(), flags());
    let mut out = HEAD.to_owned();
    let mut section =
        |title: &str, said: &str, table: String| write!(out, "\n## {title}\n\n{said}\n\n{table}").unwrap();
    section(
        "Settings",
        "\"Parameter\" is the one of `template.yaml` that sets the variable; `by the stack`: the template sets it to what it makes. \
         \"Functions\" are those that are given it.",
        settings_table(&template, &flags),
    );
    section("Other parameters of a stack", "These concern what is around the functions.", parameters_table(&template));
    section(
        "The local gateway alone",
        "Flags of `fanfare` and its commands that are no settings of a function, with their variables. `fanfare help COMMAND` lists the rest.",
        flags_table(&flags),
    );
    out += "\nBesides, deployed functions read what Lambda gives every function (`AWS_REGION`, credentials) and `AWS_ENDPOINT_URL`, \
            where AWS is to be reached elsewhere: at the local engines, for example.\n";
    out
}

#[test]
#[allow(clippy::disallowed_methods, reason = "whoever runs the test says whether it writes")]
fn the_reference_is_what_the_code_says() {
    let (path, made) = (root().join(FILE), document());
    if std::env::var("FANFARE_WRITE_DOCS").is_ok() {
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differs =
        made.lines().zip(written.lines().chain(std::iter::repeat(""))).find(|(made, written)| made != written);
    assert!(made == written, "{FILE} is not what the code says (see the header of this test): {differs:#?}");
}

#[test]
fn every_variable_of_the_template_is_a_setting_and_every_setting_is_in_the_template() {
    let template = Template::read();
    let deployed: BTreeSet<&str> = template.variables().into_keys().collect();
    let settings: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(deployed, settings);
    assert_eq!(settings.len(), SETTINGS.len(), "a name is there twice");
}

#[test]
fn a_parameter_has_the_default_and_the_bounds_of_its_setting() {
    let template = Template::read();
    let variables = template.variables();
    let mut checked = 0;
    for setting in SETTINGS {
        let Some((name, said)) = parameter(&template, variables[setting.name].0) else { continue };
        if let Some(default) = said.get("Default").map(text) {
            let is_other = OTHER_DEFAULT_WHEN_DEPLOYED.contains(&setting.name);
            assert_eq!(default == when_unset(setting), !is_other, "{name}: default {default:?}");
        }
        match setting.form {
            Form::Whole { least, most, .. } => {
                let bounds = [&said["MinValue"], &said["MaxValue"]].map(Value::as_u64);
                assert_eq!(bounds, [Some(least.into()), Some(most.into())], "{name}");
            }
            Form::YesOrNo => assert_eq!(said["AllowedValues"], Value::from_iter(["true", "false"]), "{name}"),
            Form::Secret { bytes_min } => assert_eq!(said["MinLength"].as_u64(), Some(bytes_min as u64), "{name}"),
            Form::Text(_) | Form::Delays | Form::Share => {}
        }
        checked += 1;
    }
    assert!(checked >= 20, "{checked}");
}

#[test]
fn what_is_different_on_one_machine_is_a_setting_with_a_flag() {
    let flags = flags();
    for (name, _) in LOCAL_DEFAULTS {
        assert!(SETTINGS.iter().any(|setting| setting.name == name), "{name} is no setting");
        assert!(flags.iter().any(|flag| flag.variable == name), "{name} has no flag");
    }
}
