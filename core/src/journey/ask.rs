use crate::context::{Context, Holds, InstanceOf, Rule, Standing};
use crate::customer::{Instances, JourneyState};
use crate::expr::Facts;
use crate::value::Zone;

/// What a journey asks of the customer at an instant.
pub(super) trait Ask {
    /// From here on rules see the journey as it stands.
    fn stand(&mut self, state: &JourneyState);
    /// Whether a condition holds.
    fn holds(&mut self, rule: &Rule) -> Holds;
    /// The customer's zone.
    fn zone(&self) -> Zone;
}

/// Asks for one journey or instance.
pub(super) struct Asker<'c, 'a> {
    pub(super) context: &'c mut Context<'a>,
    /// The journey.
    pub(super) number: usize,
    /// Which events are those of the instance.
    pub(super) instance: Option<InstanceOf<'c>>,
    /// The instances of the journey as they were just before.
    pub(super) others: Option<&'c Instances>,
}

impl Ask for Asker<'_, '_> {
    fn stand(&mut self, state: &JourneyState) {
        self.context.move_to(self.number, state.place);
        if self.context.rules().journeys_told {
            let mut standing = Standing::of(state);
            if let Some(others) = self.others {
                standing.instances = others.clone();
            }
            self.context.stand(self.number, standing);
        }
    }

    fn holds(&mut self, rule: &Rule) -> Holds {
        match &self.instance {
            Some(instance) => self.context.holds_of(rule, instance),
            None => self.context.holds(rule),
        }
    }

    fn zone(&self) -> Zone {
        Facts::zone(&*self.context).unwrap_or(Zone::UTC)
    }
}
