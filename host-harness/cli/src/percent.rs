//! Percentages as people type and read them. No float comes near them.

use refund_core::problem::FieldProblem;

/// Parts per million of a percentage such as `99.95`.
pub(crate) fn read(flag: &str, text: &str) -> Result<u32, FieldProblem> {
    let bad = |problem: &str| {
        Err(FieldProblem::new(flag, text, problem, "write a percentage such as 99.95"))
    };
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) {
        return bad("is not a percentage");
    }
    if decimals.len() > 4 {
        return bad("has more than 4 decimals");
    }
    match format!("{whole}{decimals:0<4}").parse() {
        Ok(parts) => Ok(parts),
        Err(_) => bad("is too large"),
    }
}

/// Parts per million as a percentage, exactly.
pub(crate) fn show(parts: u32) -> String {
    let decimals = format!("{:04}", parts % 10_000);
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{}{point}{decimals} %", parts / 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_exact_both_ways() {
        for (text, parts, shown) in [
            ("99.95", 999_500, "99.95 %"),
            ("99.9", 999_000, "99.9 %"),
            ("100", 1_000_000, "100 %"),
            ("10.00", 100_000, "10 %"),
            ("0.0001", 1, "0.0001 %"),
            ("0", 0, "0 %"),
            ("1000", 10_000_000, "1000 %"),
        ] {
            assert_eq!(read("tier", text), Ok(parts), "{text}");
            assert_eq!(show(parts), shown);
        }
    }

    #[test]
    fn what_is_no_percentage_is_refused() {
        for text in ["", ".", "99.", ".5", "-1", "+1", "1e2", "99,5", "99.95%", "1.00001", "429497"]
        {
            assert_eq!(read("cap", text).unwrap_err().field, "cap", "{text}");
        }
    }
}
