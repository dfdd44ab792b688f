//! Every setting with its default and meaning; `docs/settings.md` is generated from here.

mod own;
mod spark_core;
mod spark_sql;

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingType {
    /// `true` or `false`.
    Bool,
    /// An integer.
    Int,
    /// A size such as `64m`; bytes without a unit.
    Bytes,
    /// A time such as `500ms`, `30s`, `2m`; milliseconds without a unit.
    Time,
    /// A number with or without a fraction.
    Number,
    /// Any text.
    Text,
    /// One of these, ignoring case.
    Choice(&'static [&'static str]),
}

/// The part of a key that stands for a name, as of a pool.
pub const NAME: &str = "NAME";

/// One registered setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Full key; [`NAME`] in it stands for a name of the user's.
    pub key: &'static str,
    /// Value when nobody set it; empty: none.
    pub default: &'static str,
    /// What values it takes.
    pub ty: SettingType,
    /// One sentence for users.
    pub doc: &'static str,
    /// False for a setting that jobs for Spark may set and that changes nothing here.
    pub effect: bool,
    /// Read when the process starts that it is for, and never again: `SET` refuses it.
    pub at_start: bool,
}

impl Setting {
    /// The name that `key` has in place of [`NAME`], if it is a key of this setting that has one.
    pub fn name_in<'k>(&self, key: &'k str) -> Option<&'k str> {
        let (before, after) = self.key.split_once(NAME)?;
        let name = key.strip_prefix(before)?.strip_suffix(after)?;
        (!name.is_empty()).then_some(name)
    }
}

const fn s(key: &'static str, default: &'static str, ty: SettingType, doc: &'static str) -> Setting {
    Setting {
        key,
        default,
        ty,
        doc,
        effect: true,
        at_start: false,
    }
}

const fn at_start(key: &'static str, default: &'static str, ty: SettingType, doc: &'static str) -> Setting {
    Setting {
        at_start: true,
        ..s(key, default, ty, doc)
    }
}

const fn without_effect(key: &'static str, default: &'static str, ty: SettingType, doc: &'static str) -> Setting {
    Setting {
        effect: false,
        ..s(key, default, ty, doc)
    }
}

/// All settings, in key order within their group.
pub static REGISTRY: &[Setting] = &ALL;

const GROUPS: [&[Setting]; 3] = [own::SETTINGS, spark_core::SETTINGS, spark_sql::SETTINGS];

const LEN: usize = GROUPS[0].len() + GROUPS[1].len() + GROUPS[2].len();

const ALL: [Setting; LEN] = {
    let mut all = [GROUPS[0][0]; LEN];
    let (mut at, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut i = 0;
        while i < GROUPS[group].len() {
            all[at] = GROUPS[group][i];
            at += 1;
            i += 1;
        }
        group += 1;
    }
    all
};
