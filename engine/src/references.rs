//! What a stored definition refers to: a resolver that watches while a view's query or a function's body is analyzed.

use std::sync::Arc;

use parking_lot::Mutex;
use rsql_analyzer::{ResolvedRelation, Resolver, SqlFunction};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::Literal;

use crate::resolver::SnapshotResolver;

/// The object that is being defined.
pub(crate) enum Defined {
    /// A view by its full name.
    View(Vec<String>),
    /// A function; its first lookup, by the statement that checks it, finds this definition.
    Function(Arc<SqlFunction>),
}

/// Kind and name of a temporary object.
#[derive(Debug, Clone)]
pub(crate) struct Temporary {
    /// VIEW, FUNCTION or VARIABLE.
    pub kind: &'static str,
    /// Its parts.
    pub name: Vec<String>,
}

/// What was looked up so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Temporary objects in the order they were met.
    pub temporary: Vec<Temporary>,
    /// Some table or view was read.
    pub reads_data: bool,
    /// Functions on the way, for the path of a cycle; the defined one comes first.
    pub functions: Vec<Vec<String>>,
}

/// A [`SnapshotResolver`] that notes what is looked up and refuses references of a definition to itself.
pub(crate) struct Watcher<'a> {
    pub inner: SnapshotResolver<'a>,
    pub defined: Defined,
    pub seen: Mutex<Seen>,
}

impl Watcher<'_> {
    fn note(&self, kind: &'static str, name: &[String]) {
        let name = name.to_vec();
        self.seen.lock().temporary.push(Temporary { kind, name });
    }
}

impl Resolver for Watcher<'_> {
    fn relation(&self, name: &[String]) -> Result<Option<ResolvedRelation>> {
        let found = self.inner.relation(name)?;
        match &found {
            Some(ResolvedRelation::View(view)) => {
                if let Defined::View(this) = &self.defined
                    && same(this, &view.name)
                {
                    return Err(Error::user("RECURSIVE_VIEW")
                        .param("viewIdent", quoted_name(this))
                        .param("newPath", format!("{} -> {}", quoted_name(this), quoted_name(this))));
                }
                if view.temporary {
                    self.note("VIEW", &view.name);
                }
                self.seen.lock().reads_data = true;
            }
            Some(ResolvedRelation::Table { name, .. }) => {
                // Tables have three parts; a source of one or two is a temporary view over files or batches.
                if name.len() < 3 && name.first().is_some_and(|n| !n.contains('/')) {
                    self.note("VIEW", name);
                }
                self.seen.lock().reads_data = true;
            }
            None => {}
        }
        Ok(found)
    }

    fn path(&self, format: &str, path: &str) -> Result<Option<ResolvedRelation>> {
        let found = self.inner.path(format, path)?;
        self.seen.lock().reads_data |= found.is_some();
        Ok(found)
    }

    fn variable(&self, name: &[String]) -> Option<Literal> {
        let found = self.inner.variable(name);
        if found.is_some() {
            self.note("VARIABLE", name.last().map(std::slice::from_ref).unwrap_or_default());
        }
        found
    }

    fn function(&self, name: &[String]) -> Result<Option<Arc<SqlFunction>>> {
        if let Defined::Function(this) = &self.defined {
            let first = self.seen.lock().functions.is_empty();
            if first {
                self.seen.lock().functions.push(this.name.clone());
                return Ok(Some(Arc::clone(this)));
            }
        }
        let found = self.inner.function(name)?;
        let full = match (&found, &self.defined) {
            (Some(f), _) => Some(f.name.clone()),
            // A function that does not exist yet is found by no lookup, but it may call itself.
            (None, Defined::Function(this)) if self.inner.function_name(name).as_ref() == Some(&this.name) => {
                Some(this.name.clone())
            }
            (None, _) => None,
        };
        let Some(full) = full else { return Ok(None) };
        if let Defined::Function(this) = &self.defined {
            let mut seen = self.seen.lock();
            seen.functions.push(full.clone());
            if same(&this.name, &full) {
                let path: Vec<String> = seen.functions.iter().map(|f| f.join(".")).collect();
                return Err(Error::user("CYCLIC_FUNCTION_REFERENCE").param("path", path.join(" -> ")));
            }
        }
        if full.len() == 1 {
            self.note("FUNCTION", &full);
        }
        Ok(found)
    }

    fn namespace(&self) -> (String, String) {
        self.inner.namespace()
    }
}

fn same(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.eq_ignore_ascii_case(y))
}

/// A permanent object must not refer to a temporary one.
pub(crate) fn check_permanent(seen: &Seen, kind: &'static str, name: &[String]) -> Result<()> {
    let Some(temporary) = seen.temporary.first() else {
        return Ok(());
    };
    Err(Error::user("INVALID_TEMP_OBJ_REFERENCE")
        .param("obj", kind)
        .param("objName", quoted_name(name))
        .param("tempObj", temporary.kind)
        .param("tempObjName", quoted_name(&temporary.name)))
}
