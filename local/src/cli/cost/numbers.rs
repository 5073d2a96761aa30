//! Numbers as people write them: `10M`, `1.3`, `1KB`, `2%`; and as they are shown.

/// A count, with or without a multiplier: `10M`, `2.5k`, `300`.
pub fn quantity(text: &str) -> Result<f64, String> {
    let factors = [("k", 1e3), ("K", 1e3), ("M", 1e6), ("G", 1e9), ("B", 1e9)];
    scaled(text, &factors).ok_or_else(|| "must be a number, as in 300, 2.5k, 10M or 1G".to_owned())
}

/// Bytes, with or without a unit: `1KB`, `1.5MB`, `300`.
pub fn bytes(text: &str) -> Result<f64, String> {
    let factors = [("GB", 1e9), ("MB", 1e6), ("KB", 1e3), ("kB", 1e3), ("B", 1.0)];
    scaled(text, &factors).ok_or_else(|| "must be a number of bytes, as in 300, 1KB or 1.5MB".to_owned())
}

/// A share between nothing and all: `2%`, `0.02`.
pub fn share(text: &str) -> Result<f64, String> {
    let share = scaled(text, &[("%", 0.01)]);
    share.filter(|share| *share <= 1.0).ok_or_else(|| "must be a share of all, as in 2% or 0.02".to_owned())
}

/// A plain number that is not negative.
pub fn number(text: &str) -> Result<f64, String> {
    scaled(text, &[]).ok_or_else(|| "must be a number, as in 1 or 1.3".to_owned())
}

fn scaled(text: &str, factors: &[(&str, f64)]) -> Option<f64> {
    let suffixed = factors.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)));
    let (digits, factor) = suffixed.unwrap_or((text, 1.0));
    // What f64 would take besides: signs, exponents, "inf" and "nan".
    let is_plain = digits.starts_with(|c: char| c.is_ascii_digit());
    let is_plain = is_plain && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let number = digits.parse::<f64>().ok().filter(|_| is_plain)? * factor;
    number.is_finite().then_some(number)
}

/// Dollars, to the cent, and to more where there are none.
pub fn dollars(usd: f64) -> String {
    if usd.abs() >= 0.005 || usd == 0.0 { format!("{usd:.2}") } else { format!("{usd:.4}") }
}

/// A count in a few digits: `12.5M`, `3,200` as `3.2k`.
pub fn short(number: f64) -> String {
    let (scaled, suffix) = match number.abs() {
        large if large >= 1e9 => (number / 1e9, "G"),
        large if large >= 1e6 => (number / 1e6, "M"),
        large if large >= 1e3 => (number / 1e3, "k"),
        _ => (number, ""),
    };
    format!("{}{suffix}", plain(scaled))
}

/// A number with at most three places, and none that say nothing.
pub fn plain(number: f64) -> String {
    let places = match number.abs() {
        small if small < 0.01 && small > 0.0 => 5,
        large if large >= 100.0 => 0,
        _ => 3,
    };
    let text = format!("{number:.places$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        assert_eq!(["300", "2.5k", "10M", "1G"].map(quantity), [300.0, 2_500.0, 10e6, 1e9].map(Ok));
        assert_eq!(["300", "1KB", "1.5MB", "64kB"].map(bytes), [300.0, 1e3, 1.5e6, 64e3].map(Ok));
        assert_eq!(["2%", "0.02", "100%"].map(share), [0.02, 0.02, 1.0].map(Ok));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let refused = ["", "M", "-1", "+1", "1e3", "1,000", "ten", "inf", "NaN", "1 M", "1.2.3", ".5"];
        assert!(refused.iter().all(|text| quantity(text).is_err() && bytes(text).is_err() && share(text).is_err()));
        assert!(share("101%").is_err() && bytes("1KiB").is_err() && number("10M").is_err());
    }

    #[test]
    fn numbers_are_shown_in_a_few_digits() {
        assert_eq!([12.5e6, 3_200.0, 0.13, 1.0, 2e9].map(short), ["12.5M", "3.2k", "0.13", "1", "2G"]);
        assert_eq!([0.0, 1.004, 0.0012, 12.0].map(dollars), ["0.00", "1.00", "0.0012", "12.00"]);
    }
}
