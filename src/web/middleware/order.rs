//! # Order: which middleware has to be wrapped before which
//!
//! Each says itself whom it comes after ([`Middleware::comes_after`]); whoever stands on the wrong
//! side refuses the app, before anything is served.

use std::any::{TypeId, type_name};

use super::Middleware;

/// A kind of middleware, for [`Middleware::comes_after`].
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    id: TypeId,
    path: &'static str,
}

impl Kind {
    /// The kind that this type is.
    ///
    /// ```
    /// use parlour::web::Middleware;
    /// use parlour::web::middleware::{Kind, Sessions};
    ///
    /// /// Notes who does what, so it has to know who it is.
    /// struct Audit;
    ///
    /// impl<S> Middleware<S> for Audit {
    ///     fn comes_after(&self) -> Vec<Kind> {
    ///         vec![Kind::of::<Sessions>()]
    ///     }
    /// }
    /// # let _ = Audit;
    /// ```
    pub fn of<M: 'static>() -> Self {
        Self {
            id: TypeId::of::<M>(),
            path: type_name::<M>(),
        }
    }

    /// Its name as people write it, without where it is.
    fn name(&self) -> &'static str {
        let plain = self.path.split('<').next().unwrap_or_default();
        plain.rsplit("::").next().unwrap_or_default()
    }
}

/// Middleware as an app has it.
pub(in crate::web) struct Wrapped<S> {
    kind: Kind,
    middleware: Box<dyn Middleware<S>>,
}

impl<S> Wrapped<S> {
    pub(in crate::web) fn new<M: Middleware<S>>(middleware: M) -> Self {
        Self {
            kind: Kind::of::<M>(),
            middleware: Box::new(middleware),
        }
    }
}

/// All of an app's, if the order is right; or else what to write.
pub(in crate::web) fn in_order<S: 'static>(
    all: Vec<Wrapped<S>>,
) -> Result<Vec<Box<dyn Middleware<S>>>, String> {
    for (at, one) in all.iter().enumerate() {
        let earlier = one.middleware.comes_after();
        let mut behind = all[at + 1..].iter().map(|wrapped| wrapped.kind);
        if let Some(late) = behind.find(|kind| earlier.iter().any(|it| it.id == kind.id)) {
            let (one, late) = (one.kind.name(), late.name());
            return Err(format!(
                "the middleware is wrapped in the wrong order, {one} has to come after {late}: \
                 write .wrap({late}…) before .wrap({one}…)"
            ));
        }
    }
    Ok(all.into_iter().map(|it| it.middleware).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Early;
    struct Late<T>(T);
    struct Else;

    impl Middleware<()> for Early {}
    impl Middleware<()> for Else {}
    impl<T: 'static> Middleware<()> for Late<T> {
        fn comes_after(&self) -> Vec<Kind> {
            vec![Kind::of::<Early>()]
        }
    }

    #[test]
    fn the_wrong_order_is_refused_with_the_right_one() {
        let late = || Wrapped::new(Late(Some(1)));
        let (early, other) = (|| Wrapped::new(Early), || Wrapped::new(Else));
        let check = |all: Vec<Wrapped<()>>| in_order(all).map(|all| all.len());
        assert_eq!(check(vec![]), Ok(0));
        assert_eq!(
            check(vec![late(), other()]),
            Ok(2),
            "nobody has to be there"
        );
        assert_eq!(check(vec![early(), other(), late()]), Ok(3));
        let error = check(vec![other(), late(), other(), early()]).unwrap_err();
        assert!(error.contains("Late has to come after Early"), "{error}");
        assert!(
            error.contains(".wrap(Early…) before .wrap(Late…)"),
            "{error}"
        );
        assert!(check(vec![early(), late(), early()]).is_err());
    }
}
