//! A session's state behind a lock, kept in step with the tables that its siblings see.
//!
//! Databases, tables, permanent views and functions are shared by all sessions that stem from one; the rest of the
//! state belongs to the session. Whoever reads first takes over what others changed; whoever writes holds the shared
//! catalog until the change is published, so that no change of another session is lost.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
use rsql_catalog::session::{Lasting, SessionCatalog};

use crate::session::SessionState;

/// What all sessions see, with a version that grows with each change.
#[derive(Debug)]
pub(crate) struct SharedCatalog(Mutex<(u64, Lasting)>);

impl SharedCatalog {
    /// What `catalog` holds.
    pub fn new(catalog: &SessionCatalog) -> Self {
        Self(Mutex::new((1, catalog.lasting())))
    }
}

/// A session's state.
#[derive(Debug)]
pub(crate) struct StateLock {
    shared: Arc<SharedCatalog>,
    state: RwLock<Versioned>,
}

#[derive(Debug)]
struct Versioned {
    state: SessionState,
    /// Version of the shared catalog that the state has taken over.
    seen: u64,
}

/// Access that may change the state; publishes the change when it ends.
pub(crate) struct StateGuard<'a> {
    state: RwLockWriteGuard<'a, Versioned>,
    shared: MutexGuard<'a, (u64, Lasting)>,
}

impl StateLock {
    /// A state over `shared`.
    pub fn new(state: SessionState, shared: &Arc<SharedCatalog>) -> Self {
        Self {
            shared: Arc::clone(shared),
            state: RwLock::new(Versioned { state, seen: 0 }),
        }
    }

    /// The state at present.
    pub fn read(&self) -> impl Deref<Target = SessionState> {
        {
            let shared = self.shared.0.lock();
            if self.state.read().seen != shared.0 {
                self.state.write().take_over(&shared);
            }
        }
        RwLockReadGuard::map(self.state.read(), |v| &v.state)
    }

    /// The state, to be changed.
    pub fn write(&self) -> StateGuard<'_> {
        let shared = self.shared.0.lock();
        let mut state = self.state.write();
        if state.seen != shared.0 {
            state.take_over(&shared);
        }
        StateGuard { state, shared }
    }
}

impl Versioned {
    fn take_over(&mut self, shared: &(u64, Lasting)) {
        self.state.catalog.adopt(&shared.1);
        self.seen = shared.0;
    }
}

impl Deref for StateGuard<'_> {
    type Target = SessionState;

    fn deref(&self) -> &SessionState {
        &self.state.state
    }
}

impl DerefMut for StateGuard<'_> {
    fn deref_mut(&mut self) -> &mut SessionState {
        &mut self.state.state
    }
}

impl Drop for StateGuard<'_> {
    fn drop(&mut self) {
        let lasting = self.state.state.catalog.lasting();
        if !lasting.same(&self.shared.1) {
            *self.shared = (self.shared.0 + 1, lasting);
            self.state.seen = self.shared.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Session;

    #[test]
    fn siblings_share_tables_but_not_views_or_settings() {
        let one = Session::new().unwrap();
        let two = one.sibling("two");
        one.sql("CREATE DATABASE d").unwrap();
        one.sql("CREATE TABLE d.t (a INT) USING parquet").unwrap();
        two.sql("INSERT INTO d.t VALUES (7)").unwrap();
        assert_eq!(one.sql("SELECT * FROM d.t").unwrap().n_rows(), 1);
        one.sql("CREATE TEMPORARY VIEW v AS SELECT 1").unwrap();
        assert_eq!(
            two.sql("SELECT * FROM v").unwrap_err().condition(),
            "TABLE_OR_VIEW_NOT_FOUND"
        );
        one.set("spark.sql.ansi.enabled", "false").unwrap();
        assert!(two.settings().ansi());
        two.sql("USE d").unwrap();
        assert_eq!(one.current_database(), "default");
        one.sql("DROP DATABASE d CASCADE").unwrap();
        assert_eq!(two.current_database(), "default");
        assert_eq!(two.user(), "two");
    }

    #[test]
    fn changes_at_the_same_time_are_all_kept() {
        let root = Session::new().unwrap();
        std::thread::scope(|scope| {
            for i in 0..4 {
                let session = root.sibling("x");
                scope.spawn(move || {
                    for j in 0..5 {
                        session.sql(&format!("CREATE DATABASE d{i}_{j}")).unwrap();
                    }
                });
            }
        });
        assert_eq!(root.sql("SHOW DATABASES").unwrap().n_rows(), 21);
    }
}
