//! Every setting with its default and meaning; `docs/settings.md` is generated from here.

mod own;
mod spark;

/// What values a setting takes.
#[derive(Debug, Clone, Copy)]
pub enum SettingType {
    /// `true` or `false`.
    Bool,
    /// An integer, or a size such as `64m`.
    Int,
    /// A time such as `500ms`, `30s`, `2m`; milliseconds without a unit.
    Time,
    /// A number with or without a fraction.
    Number,
    /// Any text.
    Text,
    /// One of these, ignoring case.
    Choice(&'static [&'static str]),
}

/// One registered setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Full key.
    pub key: &'static str,
    /// Value when nobody set it.
    pub default: &'static str,
    /// What values it takes.
    pub ty: SettingType,
    /// One sentence for users.
    pub doc: &'static str,
}

const fn s(key: &'static str, default: &'static str, ty: SettingType, doc: &'static str) -> Setting {
    Setting { key, default, ty, doc }
}

/// All settings, in key order within their group.
pub static REGISTRY: &[Setting] = &ALL;

const ALL: [Setting; own::SETTINGS.len() + spark::SETTINGS.len()] = {
    let mut all = [own::SETTINGS[0]; own::SETTINGS.len() + spark::SETTINGS.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = if i < own::SETTINGS.len() {
            own::SETTINGS[i]
        } else {
            spark::SETTINGS[i - own::SETTINGS.len()]
        };
        i += 1;
    }
    all
};
