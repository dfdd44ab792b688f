//! Date and time functions.

pub(crate) mod adaptors;
mod arithmetic;
mod clock;
mod current;
mod days;
mod epoch;
mod extract;
mod format;
mod make;
mod nanos;
mod parse;
mod parts;
mod session_window;
pub(crate) mod shift;
mod time;
mod time_bucket;
mod time_window;
mod trunc;
mod units;
mod zones;

#[cfg(test)]
mod tests;

use rsql_expr::FunctionRegistry;
use rsql_expr::ScalarFn;
use rsql_expr::function::FunctionKind::Scalar;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    [CURRENT_AND_PARTS, ARITHMETIC, CONVERSIONS]
        .into_iter()
        .flatten()
        .for_each(|f| r.add(Scalar(f)));
}

const CURRENT_AND_PARTS: &[&ScalarFn] = &[
    &current::CURRENT_DATE,
    &current::CURRENT_TIMESTAMP,
    &current::LOCALTIMESTAMP,
    &current::CURRENT_TIME,
    &current::CURRENT_TIMEZONE,
    &parts::YEAR,
    &parts::QUARTER,
    &parts::MONTH,
    &parts::DAY,
    &parts::DAYOFYEAR,
    &parts::WEEKOFYEAR,
    &parts::YEAROFWEEK,
    &parts::DAYOFWEEK,
    &parts::DAYOFWEEK_ISO,
    &parts::WEEKDAY,
    &parts::LAST_DAY,
    &parts::DAYNAME,
    &parts::MONTHNAME,
    &clock::HOUR,
    &clock::MINUTE,
    &clock::SECOND,
    &clock::SECOND_WITH_FRACTION,
    &extract::EXTRACT,
];

const ARITHMETIC: &[&ScalarFn] = &[
    &days::DATE_ADD,
    &days::ADD_DAYS,
    &days::DATE_SUB,
    &days::DATEDIFF,
    &days::DAYS_BETWEEN,
    &days::ADD_MONTHS,
    &days::NEXT_DAY,
    &days::MONTHS_BETWEEN,
    &units::TIMESTAMPADD,
    &units::TIMESTAMPDIFF,
    &trunc::TRUNC,
    &trunc::DATE_TRUNC,
    &arithmetic::ADD_YEAR_MONTH,
    &arithmetic::ADD_DAY_TIME,
    &arithmetic::ADD_INTERVAL,
    &arithmetic::SUBTRACT_DATES,
    &arithmetic::SUBTRACT_TIMESTAMPS,
    &arithmetic::TIME_ADD_INTERVAL,
    &arithmetic::SUBTRACT_TIMES,
    &time::TIME_DIFF,
    &time::TIME_TRUNC,
    &time_bucket::TIME_BUCKET,
    &session_window::SESSION_WINDOW,
    &time_window::WINDOW,
    &time_window::TIME_WINDOW,
    &time_window::TIME_WINDOWS,
    &time_window::WINDOW_TIME,
];

const CONVERSIONS: &[&ScalarFn] = &[
    &days::UNIX_DATE,
    &days::DATE_FROM_UNIX_DATE,
    &make::MAKE_DATE,
    &make::MAKE_TIME,
    &make::MAKE_TIMESTAMP,
    &make::MAKE_TIMESTAMP_LTZ,
    &make::MAKE_TIMESTAMP_NTZ,
    &make::TRY_MAKE_TIMESTAMP,
    &make::TRY_MAKE_TIMESTAMP_LTZ,
    &make::TRY_MAKE_TIMESTAMP_NTZ,
    &format::DATE_FORMAT,
    &format::FROM_UNIXTIME,
    &parse::TO_DATE,
    &parse::TRY_TO_DATE,
    &parse::TO_TIMESTAMP,
    &parse::TRY_TO_TIMESTAMP,
    &parse::TO_TIMESTAMP_LTZ,
    &parse::TO_TIMESTAMP_NTZ,
    &parse::PARSE_TIMESTAMP,
    &parse::TO_UNIX_TIMESTAMP,
    &parse::UNIX_TIMESTAMP,
    &parse::TIME,
    &parse::TO_TIME,
    &parse::TRY_TO_TIME,
    &epoch::UNIX_SECONDS,
    &epoch::UNIX_MILLIS,
    &epoch::UNIX_MICROS,
    &epoch::TIMESTAMP_SECONDS,
    &epoch::TIMESTAMP_MILLIS,
    &epoch::TIMESTAMP_MICROS,
    &nanos::TIMESTAMP_NANOS,
    &nanos::UNIX_NANOS,
    &zones::FROM_UTC_TIMESTAMP,
    &zones::TO_UTC_TIMESTAMP,
    &zones::CONVERT_TIMEZONE,
    &time::TIME_FROM_SECONDS,
    &time::TIME_FROM_MILLIS,
    &time::TIME_FROM_MICROS,
    &time::TIME_TO_SECONDS,
    &time::TIME_TO_MILLIS,
    &time::TIME_TO_MICROS,
];
