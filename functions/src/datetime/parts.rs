//! Parts of dates: `year`, `quarter`, `month`, `day`, `dayofweek`, `weekday`, `dayofyear`, `weekofyear`, `dayname`,
//! `monthname`, `last_day`.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, Int32Type};
use rsql_common::Result;
use rsql_expr::ScalarFn;
use rsql_expr::datetime::Date;
use rsql_expr::datetime::civil;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, Signature, TypeSpec};

use super::adaptors::{DateCol, unary};
use crate::definition::doc;
use crate::kernel::{pure, text_rows};

const DATE_TO_INT: Signature = Signature::exact(&[TypeSpec::Date], ret::INT);
const DATE_TO_STRING: Signature = Signature::exact(&[TypeSpec::Date], ret::STRING);

macro_rules! date_part {
    ($($item:ident, $name:literal, $aliases:expr, $text:literal, $example:literal, $f:expr;)*) => { $(
        pub(super) static $item: ScalarFn = pure(
            $name,
            $aliases,
            doc(Family::Datetime, concat!($name, "(date)"), $text, $example),
            DATE_TO_INT,
            |args| unary::<Date32Type, Int32Type>(args, $f),
        );
    )* };
}

date_part! {
    YEAR, "year", &[], "The year.", "SELECT year('2016-07-30')", |d| Date::from_days(d).year;
    QUARTER, "quarter", &[], "The quarter, 1 to 4.", "SELECT quarter('2016-08-31')",
        |d| Date::from_days(d).quarter() as i32;
    MONTH, "month", &[], "The month, 1 to 12.", "SELECT month('2016-07-30')", |d| Date::from_days(d).month as i32;
    DAY, "day", &["dayofmonth"], "The day of the month.", "SELECT day('2009-07-30')",
        |d| Date::from_days(d).day as i32;
    DAYOFYEAR, "dayofyear", &[], "The day of the year.", "SELECT dayofyear('2016-04-09')",
        |d| Date::from_days(d).day_of_year() as i32;
    WEEKOFYEAR, "weekofyear", &[], "The ISO week of the year.", "SELECT weekofyear('2008-02-20')",
        |d| Date::from_days(d).iso_week().1 as i32;
    YEAROFWEEK, "yearofweek", &[], "The year that the ISO week belongs to.",
        "SELECT extract(YEAROFWEEK FROM DATE'2005-01-02')", |d| Date::from_days(d).iso_week().0;
    DAYOFWEEK, "dayofweek", &[], "The day of the week: 1 is Sunday, 7 Saturday.", "SELECT dayofweek('2009-07-30')",
        |d| (civil::weekday(d) % 7 + 1) as i32;
    DAYOFWEEK_ISO, "dayofweek_iso", &[], "The ISO day of the week: 1 is Monday, 7 Sunday.",
        "SELECT extract(DOW_ISO FROM DATE'2009-07-30')", |d| civil::weekday(d) as i32;
    WEEKDAY, "weekday", &[], "The day of the week: 0 is Monday, 6 Sunday.", "SELECT weekday('2009-07-30')",
        |d| civil::weekday(d) as i32 - 1;
}

pub(super) static LAST_DAY: ScalarFn = pure(
    "last_day",
    &[],
    doc(
        Family::Datetime,
        "last_day(date)",
        "The last day of the date's month.",
        "SELECT last_day('2009-01-12')",
    ),
    Signature::exact(&[TypeSpec::Date], ret::DATE),
    |args| unary::<Date32Type, Date32Type>(args, civil::last_day),
);

pub(super) static DAYNAME: ScalarFn = pure(
    "dayname",
    &[],
    doc(
        Family::Datetime,
        "dayname(date)",
        "The abbreviated name of the day of the week.",
        "SELECT dayname(DATE('2008-02-20'))",
    ),
    DATE_TO_STRING,
    |args| {
        const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        named(args, |d| NAMES[civil::weekday(d) as usize - 1])
    },
);

pub(super) static MONTHNAME: ScalarFn = pure(
    "monthname",
    &[],
    doc(
        Family::Datetime,
        "monthname(date)",
        "The abbreviated name of the month.",
        "SELECT monthname('2008-02-20')",
    ),
    DATE_TO_STRING,
    |args| {
        const NAMES: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        named(args, |d| NAMES[Date::from_days(d).month as usize - 1])
    },
);

fn named(args: &EvalArgs<'_>, name: impl Fn(i32) -> &'static str) -> Result<ArrayRef> {
    let dates = DateCol::of(args, 0)?;
    text_rows(args.rows, |row, out| Ok(dates.get(row).map(|d| out.push_str(name(d)))))
}
