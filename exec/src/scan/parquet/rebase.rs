//! Legacy timestamps of old writers: calendar and zone rules that Spark has left behind.
//!
//! Spark before 3.1 (and later ones in LEGACY mode) made INT96 values by the rules of `java.util.Calendar`: dates before
//! 15 October 1582 in the Julian calendar, and before 1900 each zone at today's standard offset. Reading keeps what the
//! clock on the wall said, which was another instant by today's rules. The footer says who wrote the file, and in which
//! zone; old files do not name one, and the session's is taken.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use parquet::basic::Type as Physical;
use parquet::file::metadata::ParquetMetaData;
use rsql_common::Result;
use rsql_expr::Vector;
use rsql_expr::datetime::civil::split_micros;
use rsql_expr::datetime::{Zone, days_from_civil};

const VERSION_KEY: &str = "org.apache.spark.version";
const LEGACY_KEY: &str = "org.apache.spark.legacyINT96";
const ZONE_KEY: &str = "org.apache.spark.timeZone";

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// 1900-01-01 in UTC: from then on both sets of rules agree.
const RULES_AGREE: i64 = -2_208_988_800 * MICROS_PER_SECOND;
/// 1582-10-15, the first day of the Gregorian calendar.
const GREGORIAN: i32 = -141_427;

/// How the legacy timestamps of a file become instants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rebase {
    zone: Zone,
    /// Microseconds that the zone's clocks stand before UTC in today's winter.
    standard: i64,
}

impl Rebase {
    /// The rules of a file whose writer kept to the old ones.
    pub fn of(footer: &ParquetMetaData, session_zone: &str) -> Result<Option<Self>> {
        let noted = |key: &str| {
            let pairs = footer.file_metadata().key_value_metadata().into_iter().flatten();
            pairs.filter(|p| p.key == key).find_map(|p| p.value.as_deref())
        };
        let named = |key: &str| {
            let mut pairs = footer.file_metadata().key_value_metadata().into_iter().flatten();
            pairs.any(|p| p.key == key)
        };
        let legacy = noted(VERSION_KEY).is_some_and(|version| version < "3.1.0" || named(LEGACY_KEY));
        if !legacy {
            return Ok(None);
        }
        let zone = Zone::parse(noted(ZONE_KEY).unwrap_or(session_zone))?;
        Ok(Some(Self::in_zone(zone)))
    }

    fn in_zone(zone: Zone) -> Self {
        // The middles of two seasons of a year to come.
        let (winter, summer) = (1_894_000_000, 1_909_600_000);
        let seasons = [winter, summer].map(|at| zone.offset_at(at * MICROS_PER_SECOND));
        Self {
            zone,
            standard: i64::from(seasons[0].min(seasons[1])) * MICROS_PER_SECOND,
        }
    }

    /// Whether a leaf of a file holds legacy timestamps.
    pub fn concerns(footer: &ParquetMetaData, leaf: Option<usize>) -> bool {
        let schema = footer.file_metadata().schema_descr();
        leaf.is_some_and(|leaf| schema.column(leaf).physical_type() == Physical::INT96)
    }

    /// The instants of a column.
    pub fn column(&self, column: Vector) -> Result<Vector> {
        let array = column.to_array()?;
        if !matches!(array.data_type(), DataType::Timestamp(..)) {
            return Ok(column);
        }
        let micros = array.as_primitive::<TimestampMicrosecondType>();
        let instants = micros.unary::<_, TimestampMicrosecondType>(|m| self.instant(m));
        Ok(Vector::Flat(std::sync::Arc::new(
            instants.with_data_type(array.data_type().clone()),
        )))
    }

    /// The instant, by today's rules, at which clocks show what they showed at `micros` by the old ones.
    fn instant(&self, micros: i64) -> i64 {
        if micros >= RULES_AGREE {
            return micros;
        }
        let (days, of_day) = split_micros(micros.saturating_add(self.standard));
        let days = if days < GREGORIAN {
            same_date(days)
        } else {
            i64::from(days)
        };
        self.zone
            .to_utc(days.saturating_mul(MICROS_PER_DAY).saturating_add(of_day))
    }
}

/// The day that has the date in the Gregorian calendar which day `days` has in the Julian one.
fn same_date(days: i32) -> i64 {
    // Days since 1 March of the year -4800, counted in years of 365 days and six hours.
    let c = i64::from(days) + 2_440_588 + 32_082;
    let d = (4 * c + 3).div_euclid(1_461);
    let e = c - (1_461 * d).div_euclid(4);
    let m = (5 * e + 2) / 153;
    let day = e - (153 * m + 2) / 5 + 1;
    let month = m + 3 - 12 * (m / 10);
    let year = d - 4_800 + m / 10;
    days_from_civil(year, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Spark reads of what it wrote in LEGACY mode: zone, and pairs of stored and read seconds.
    type Case = (&'static str, &'static [(i64, i64)]);

    const SPARK: &[Case] = &[
        (
            "America/Los_Angeles",
            &[
                (-62_135_740_800, -62_135_568_422),
                (-33_760_296_000, -33_760_728_422),
                (-14_825_869_200, -14_826_647_222),
                (-14_825_779_200, -14_826_643_622),
                (-12_219_264_001, -12_220_128_423),
                (-12_219_264_000, -12_219_264_422),
                (-8_507_257_077, -8_507_257_499),
                (-2_717_640_422, -2_717_640_844),
                (-2_717_639_400, -2_717_639_400),
                (-2_717_596_800, -2_717_596_800),
                (-2_208_960_001, -2_208_960_001),
                (-2_208_960_000, -2_208_960_000),
                (-615_488_400, -615_488_400),
                (1_590_994_800, 1_590_994_800),
            ],
        ),
        (
            "Europe/Moscow",
            &[
                (-62_135_780_400, -62_135_605_817),
                (-33_760_335_600, -33_760_765_817),
                (-14_825_908_800, -14_826_684_617),
                (-14_825_818_800, -14_826_681_017),
                (-12_219_303_601, -12_220_165_818),
                (-12_219_303_600, -12_219_301_817),
                (-8_507_296_677, -8_507_294_894),
                (-2_717_680_022, -2_717_678_239),
                (-2_717_679_000, -2_717_677_217),
                (-2_717_636_400, -2_717_634_617),
                (-2_208_999_601, -2_208_997_818),
                (-2_208_999_600, -2_208_997_817),
                (-615_524_400, -615_524_400),
                (1_590_958_800, 1_590_958_800),
            ],
        ),
        (
            "Asia/Kolkata",
            &[
                (-62_135_789_400, -62_135_618_008),
                (-33_760_344_600, -33_760_778_008),
                (-14_825_917_800, -14_826_696_808),
                (-14_825_827_800, -14_826_693_208),
                (-12_219_312_601, -12_220_178_009),
                (-12_219_312_600, -12_219_314_008),
                (-8_507_305_677, -8_507_307_085),
                (-2_717_689_022, -2_717_688_492),
                (-2_717_688_000, -2_717_687_470),
                (-2_717_645_400, -2_717_644_870),
                (-2_209_008_601, -2_209_008_071),
                (-2_209_008_600, -2_209_008_070),
                (-615_533_400, -615_533_400),
                (1_590_949_800, 1_590_949_800),
            ],
        ),
        (
            "UTC",
            &[
                (-62_135_769_600, -62_135_596_800),
                (-33_760_324_800, -33_760_756_800),
                (-14_825_898_000, -14_826_675_600),
                (-14_825_808_000, -14_826_672_000),
                (-12_219_292_801, -12_220_156_801),
                (-12_219_292_800, -12_219_292_800),
                (-8_507_285_877, -8_507_285_877),
                (-2_717_669_222, -2_717_669_222),
                (-2_717_668_200, -2_717_668_200),
                (-2_717_625_600, -2_717_625_600),
                (-2_208_988_801, -2_208_988_801),
                (-2_208_988_800, -2_208_988_800),
                (-615_513_600, -615_513_600),
                (1_590_969_600, 1_590_969_600),
            ],
        ),
        (
            "Europe/Amsterdam",
            &[
                (-62_135_773_200, -62_135_597_850),
                (-33_760_328_400, -33_760_757_850),
                (-14_825_901_600, -14_826_676_650),
                (-14_825_811_600, -14_826_673_050),
                (-12_219_296_401, -12_220_157_851),
                (-12_219_296_400, -12_219_293_850),
                (-8_507_289_477, -8_507_286_927),
                (-2_717_672_822, -2_717_670_272),
                (-2_717_671_800, -2_717_669_250),
                (-2_717_629_200, -2_717_626_650),
                (-2_208_992_401, -2_208_988_801),
                (-2_208_988_800, -2_208_988_800),
                (-615_517_200, -615_517_200),
                (1_590_962_400, 1_590_962_400),
            ],
        ),
    ];

    #[test]
    fn clocks_show_what_they_showed() {
        for (zone, pairs) in SPARK {
            let rebase = Rebase::in_zone(Zone::parse(zone).unwrap());
            for (stored, read) in *pairs {
                let micros = |seconds: i64| seconds * MICROS_PER_SECOND + 7;
                assert_eq!(rebase.instant(micros(*stored)), micros(*read), "{zone} {stored}");
            }
        }
    }

    #[test]
    fn a_day_that_only_one_calendar_has_is_the_next_one() {
        // 29 February 1500.
        assert_eq!(same_date(-171_596), days_from_civil(1500, 3, 1));
        assert_eq!(same_date(-171_597), days_from_civil(1500, 2, 28));
    }
}
