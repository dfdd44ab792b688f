//! English names of fields and zones.

use super::Field;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const QUARTERS: [&str; 4] = ["1st quarter", "2nd quarter", "3rd quarter", "4th quarter"];
const SHORT_QUARTERS: [&str; 4] = ["Q1", "Q2", "Q3", "Q4"];
const ERAS: [&str; 2] = ["Before Christ", "Anno Domini"];
const SHORT_ERAS: [&str; 2] = ["BC", "AD"];
const HALVES: [&str; 2] = ["AM", "PM"];

/// Names of a field's values, and the value of the first.
pub(super) fn names(field: Field, full: bool) -> (&'static [&'static str], i64) {
    match (field, full) {
        (Field::Month, _) => (&MONTHS, 1),
        (Field::Weekday, _) => (&WEEKDAYS, 1),
        (Field::Quarter, true) => (&QUARTERS, 1),
        (Field::Quarter, false) => (&SHORT_QUARTERS, 1),
        (Field::Era, true) => (&ERAS, 0),
        (Field::Era, false) => (&SHORT_ERAS, 0),
        (Field::HalfDay, _) => (&HALVES, 0),
        _ => (&[], 0),
    }
}

/// The name as the field writes it: months and weekdays are cut to three letters when short.
pub(super) fn shown(field: Field, full: bool, name: &'static str) -> &'static str {
    match field {
        Field::Month | Field::Weekday if !full => &name[..3],
        _ => name,
    }
}

/// Abbreviation, name in full and region of the zones that texts name this way.
pub(super) const ZONES: &[(&str, &str, &str)] = &[
    ("UTC", "Coordinated Universal Time", "UTC"),
    ("GMT", "Greenwich Mean Time", "UTC"),
    ("PST", "Pacific Standard Time", "America/Los_Angeles"),
    ("PDT", "Pacific Daylight Time", "America/Los_Angeles"),
    ("MST", "Mountain Standard Time", "America/Denver"),
    ("MDT", "Mountain Daylight Time", "America/Denver"),
    ("CST", "Central Standard Time", "America/Chicago"),
    ("CDT", "Central Daylight Time", "America/Chicago"),
    ("EST", "Eastern Standard Time", "America/New_York"),
    ("EDT", "Eastern Daylight Time", "America/New_York"),
    ("AKST", "Alaska Standard Time", "America/Anchorage"),
    ("AKDT", "Alaska Daylight Time", "America/Anchorage"),
    ("HST", "Hawaii-Aleutian Standard Time", "Pacific/Honolulu"),
    ("CET", "Central European Standard Time", "Europe/Paris"),
    ("CEST", "Central European Summer Time", "Europe/Paris"),
    ("EET", "Eastern European Standard Time", "Europe/Athens"),
    ("EEST", "Eastern European Summer Time", "Europe/Athens"),
    ("WET", "Western European Standard Time", "Europe/Lisbon"),
    ("WEST", "Western European Summer Time", "Europe/Lisbon"),
    ("BST", "British Summer Time", "Europe/London"),
    ("MSK", "Moscow Standard Time", "Europe/Moscow"),
    ("IST", "India Standard Time", "Asia/Kolkata"),
    ("JST", "Japan Standard Time", "Asia/Tokyo"),
    ("KST", "Korean Standard Time", "Asia/Seoul"),
    ("HKT", "Hong Kong Standard Time", "Asia/Hong_Kong"),
    ("AEST", "Australian Eastern Standard Time", "Australia/Sydney"),
    ("AEDT", "Australian Eastern Daylight Time", "Australia/Sydney"),
    ("NZST", "New Zealand Standard Time", "Pacific/Auckland"),
    ("NZDT", "New Zealand Daylight Time", "Pacific/Auckland"),
];
