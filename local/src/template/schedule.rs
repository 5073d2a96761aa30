//! Schedule expressions.

use std::time::Duration;

/// The period of `rate(5 minutes)`; the scheduler's finest unit is the minute.
pub(super) fn period(expression: &str) -> Result<Duration, String> {
    let wrong =
        || format!("{expression} is not understood by the local gateway: only rate(<number> <minutes|hours|days>) is");
    let inner = expression.strip_prefix("rate(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(wrong)?;
    let (number, unit) = inner.trim().split_once(' ').ok_or_else(wrong)?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
    let unit_s = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 60 * 60,
        "day" | "days" => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit_s).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, expected_s: Option<u64>) {
        assert_eq!(period(expression).ok(), expected_s.map(Duration::from_secs), "{expression}");
    }

    #[test]
    fn rates_are_understood_and_nothing_else() {
        check("rate(1 minute)", Some(60));
        check("rate(5 minutes)", Some(300));
        check("rate(2 hours)", Some(7_200));
        check("rate(1 day)", Some(86_400));
        check("rate(0 minutes)", None);
        check("rate(10 seconds)", None);
        check("rate(99999999999999999999 days)", None);
        check("rate(9999999999999999 days)", None);
        check("cron(0 12 * * ? *)", None);
        check("rate(minute)", None);
    }
}
