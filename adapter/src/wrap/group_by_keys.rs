//! Requests with the same inputs, asked together and apart from the others.

use crate::callable::{Answer, Answers, Context, Infer, Request, check_count};
use crate::failure::Failure;

/// Asks this for each group of requests that have the same inputs, such as where some are optional.
pub fn group_by_keys(callable: impl Infer) -> impl Infer {
    GroupByKeys(callable)
}

/// A callable that is asked for groups of requests.
struct GroupByKeys<I>(I);

const ONE: &str = "`group_by_keys` is for callables with one answer to a request";

/// Requests, and the places that they came in.
type Group = Vec<(usize, Request)>;

impl<I: Infer> Infer for GroupByKeys<I> {
    fn infer(&mut self, requests: Vec<Request>) -> Result<Answers, Failure> {
        let mut groups: Vec<(Vec<String>, Group)> = Vec::new();
        for (place, request) in requests.into_iter().enumerate() {
            let mut names: Vec<String> = request.names().map(str::to_owned).collect();
            names.sort_unstable();
            match groups.iter_mut().find(|(known, _)| *known == names) {
                Some((_, group)) => group.push((place, request)),
                None => groups.push((names, vec![(place, request)])),
            }
        }
        let mut all: Vec<(usize, Answer)> = Vec::new();
        for (_, group) in groups {
            let (places, requests): (Vec<usize>, Vec<Request>) = group.into_iter().unzip();
            match self.0.infer(requests) {
                Ok(Answers::Each(answers)) => {
                    check_count(answers.len(), places.len())?;
                    all.extend(places.into_iter().zip(answers));
                }
                Ok(Answers::Streams(_) | Answers::Rounds(_)) => return Err(Failure::new(ONE)),
                // The others have nothing to do with it.
                Err(failure) => all.extend(places.into_iter().map(|it| (it, Err(failure.clone())))),
            }
        }
        all.sort_by_key(|(place, _)| *place);
        Ok(Answers::Each(
            all.into_iter().map(|(_, answer)| answer).collect(),
        ))
    }

    fn is_decoupled(&self) -> bool {
        self.0.is_decoupled()
    }

    fn check(&self, context: &Context) -> Result<(), String> {
        if self.0.is_decoupled() {
            return Err(ONE.to_owned());
        }
        self.0.check(context)
    }
}
