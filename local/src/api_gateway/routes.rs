//! Which route a request takes: API Gateway's rules for HTTP APIs.
//!
//! A route that matches the whole path goes before one that swallows its rest (`{proxy+}`); of each, a route for the method
//! goes before one for `ANY`; within a path, fixed parts go before parameters. `$default` gets what is left.

use std::collections::HashMap;

use http::Method;
use matchit::Router;
use percent_encoding::percent_decode_str;

use crate::template::{RoutePath, RoutePlan};

/// Two routes of the template that cannot both be there.
#[derive(Debug, thiserror::Error)]
#[error("the route {key}: {reason}")]
pub(crate) struct RouteError {
    key: String,
    reason: String,
}

/// The routes of an API; `T` is what answers.
pub(crate) struct Routes<T> {
    whole: Tier,
    greedy: Tier,
    default: Option<usize>,
    targets: Vec<Target<T>>,
}

/// A route's name, as events carry it, and what answers it.
pub(crate) struct Target<T> {
    pub(crate) key: String,
    pub(crate) function: T,
}

/// The route taken, and the path's parameters, decoded.
pub(crate) struct Matched<'r, T> {
    pub(crate) target: &'r Target<T>,
    pub(crate) parameters: Vec<(String, String)>,
}

/// Routes of equal rank.
#[derive(Default)]
struct Tier {
    by_method: HashMap<Method, Router<usize>>,
    any_method: Router<usize>,
}

impl<T> Routes<T> {
    /// Takes the plan's routes; `function_of` finds what answers each.
    pub(crate) fn new(plans: &[RoutePlan], function_of: impl Fn(&str) -> Option<T>) -> Result<Self, RouteError> {
        let mut routes = Self { whole: Tier::default(), greedy: Tier::default(), default: None, targets: Vec::new() };
        for plan in plans {
            let key = key(plan);
            let wrong = |reason: &str| RouteError { key: key.clone(), reason: reason.to_owned() };
            let function = function_of(&plan.function).ok_or_else(|| wrong("its function is missing"))?;
            let index = routes.targets.len();
            routes.add(plan, index).map_err(|reason| wrong(&reason))?;
            routes.targets.push(Target { key, function });
        }
        Ok(routes)
    }

    /// The route for a request, if there is one.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<Matched<'_, T>> {
        let found = self.whole.find(method, path).or_else(|| self.greedy.find(method, path));
        let (index, parameters) = found.or_else(|| Some((self.default?, Vec::new())))?;
        Some(Matched { target: self.targets.get(index)?, parameters })
    }

    fn add(&mut self, plan: &RoutePlan, index: usize) -> Result<(), String> {
        let RoutePath::Pattern(path) = &plan.path else {
            return match self.default.replace(index) {
                None => Ok(()),
                Some(_) => Err("is there twice".to_owned()),
            };
        };
        let tier = if path.contains("+}") { &mut self.greedy } else { &mut self.whole };
        let router = match &plan.method {
            Some(method) => tier.by_method.entry(method.clone()).or_default(),
            None => &mut tier.any_method,
        };
        router.insert(pattern(path), index).map_err(|error| error.to_string())
    }
}

impl Tier {
    fn find(&self, method: &Method, path: &str) -> Option<(usize, Vec<(String, String)>)> {
        let of_method = self.by_method.get(method).and_then(|router| router.at(path).ok());
        let matched = of_method.or_else(|| self.any_method.at(path).ok())?;
        let decoded = |value: &str| percent_decode_str(value).decode_utf8_lossy().into_owned();
        let parameters = matched.params.iter().map(|(name, value)| (name.to_owned(), decoded(value)));
        Some((*matched.value, parameters.collect()))
    }
}

/// API Gateway's `{name+}` is the router's `{*name}`.
fn pattern(path: &str) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix("+}")) {
        Some(name) => format!("{{*{name}}}"),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// `GET /api/v1/app/{app_id}`, `ANY /x`, `$default`.
fn key(plan: &RoutePlan) -> String {
    match (&plan.path, &plan.method) {
        (RoutePath::Default, _) => "$default".to_owned(),
        (RoutePath::Pattern(path), None) => format!("ANY {path}"),
        (RoutePath::Pattern(path), Some(method)) => format!("{method} {path}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn plan(route: &str) -> RoutePlan {
        let (method, path) = route.split_once(' ').unwrap_or(("ANY", route));
        let path = if path == "$default" { RoutePath::Default } else { RoutePath::Pattern(path.to_owned()) };
        let method = (method != "ANY").then(|| method.parse().unwrap());
        RoutePlan { method, path, function: route.to_owned() }
    }

    fn routes(routes: &[&str]) -> Result<Routes<String>, RouteError> {
        let plans: Vec<RoutePlan> = routes.iter().map(|route| plan(route)).collect();
        Routes::new(&plans, |function| Some(function.to_owned()))
    }

    #[track_caller]
    fn check(routes: &Routes<String>, request: &str, expected: &str, parameters: &[(&str, &str)]) {
        let (method, path) = request.split_once(' ').unwrap();
        let matched = routes.find(&method.parse().unwrap(), path);
        let key = matched.as_ref().map_or("none", |matched| matched.target.key.as_str());
        assert_eq!(key, expected, "{request}");
        let found = matched.map(|matched| matched.parameters).unwrap_or_default();
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, parameters, "{request}");
    }

    #[test]
    fn the_most_specific_route_answers() {
        let routes = routes(&[
            "GET /pets/dog/1",
            "GET /pets/dog/{id}",
            "ANY /pets/dog/{id}",
            "GET /pets/{proxy+}",
            "ANY /{proxy+}",
            "GET /app/{app_id}/msg/{msg_id}",
            "$default",
        ])
        .unwrap();
        check(&routes, "GET /pets/dog/1", "GET /pets/dog/1", &[]);
        check(&routes, "GET /pets/dog/2", "GET /pets/dog/{id}", &[("id", "2")]);
        check(&routes, "POST /pets/dog/1", "ANY /pets/dog/{id}", &[("id", "1")]);
        check(&routes, "GET /pets/cat/1", "GET /pets/{proxy+}", &[("proxy", "cat/1")]);
        check(&routes, "POST /pets/cat/1", "ANY /{proxy+}", &[("proxy", "pets/cat/1")]);
        check(&routes, "GET /app/a%20b/msg/c", "GET /app/{app_id}/msg/{msg_id}", &[("app_id", "a b"), ("msg_id", "c")]);
        check(&routes, "GET /", "$default", &[]);
    }

    #[test]
    fn a_path_is_matched_in_full() {
        let routes = routes(&["GET /app", "GET /app/{app_id}", "POST /app"]).unwrap();
        check(&routes, "GET /app/", "none", &[]);
        check(&routes, "GET /app/x/y", "none", &[]);
        check(&routes, "PUT /app", "none", &[]);
        check(&routes, "GET /App", "none", &[]);
    }

    #[test]
    fn a_route_that_is_there_twice_is_named() {
        let error = routes(&["GET /app", "GET /app"]).err().unwrap();
        assert!(error.to_string().starts_with("the route GET /app:"), "{error}");
        assert!(routes(&["$default", "$default"]).is_err());
    }
}
