//! What an app is given, in the words of those who hold it to that: the sandbox and the app's own admission.

use guesthouse_app::app::AppLimits;
use guesthouse_manifest::instances::Instances;
use guesthouse_manifest::limits::Limits;
use guesthouse_manifest::outbound::OutboundTerms;
use guesthouse_outbound::client::Limits as OutboundLimits;
use guesthouse_outbound::rules::Rules;
use guesthouse_sandbox::capability::outbound::settings::OutboundSettings;
use guesthouse_sandbox::limits::Limits as GuestLimits;
use guesthouse_sandbox::settings::Instances as GuestInstances;

/// The limits of a guest.
pub fn guest_limits(limits: &Limits) -> GuestLimits {
    GuestLimits {
        memory_bytes_max: limits.memory.0,
        cpu: limits.cpu.0,
        head: limits.head.0,
        body_idle: limits.body_idle.0,
        response_bytes_max: limits.response_body.0,
    }
}

/// The limits of an app.
pub fn app_limits(limits: &Limits) -> AppLimits {
    AppLimits {
        concurrency: limits.concurrency as usize,
        queue: limits.queue as usize,
        queue_wait: limits.queue_wait.0,
        request_bytes_max: limits.request_body.0,
        drain: limits.drain.0,
    }
}

/// What a guest has of the outside.
pub fn guest_outbound(terms: &OutboundTerms) -> OutboundSettings {
    let OutboundTerms { destinations, private_networks, any_host_is_private, limits } = terms;
    OutboundSettings {
        rules: Rules {
            destinations: destinations.clone(),
            private_networks: private_networks.clone(),
            any_host_is_private: *any_host_is_private,
        },
        limits: OutboundLimits {
            connections_max: limits.connections as usize,
            connect: limits.connect.0,
            first_byte: limits.first_byte.0,
            between_bytes: limits.between_bytes.0,
            response_bytes_max: limits.response_body.0,
        },
    }
}

/// How long the instances of a guest serve.
pub fn guest_instances(instances: &Instances) -> GuestInstances {
    GuestInstances {
        requests_max: instances.reuse,
        concurrent_max: instances.concurrent,
        idle: instances.idle.0,
        growth_bytes_max: instances.growth.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_without_a_manifest_is_held_to_the_same_everywhere() {
        assert_eq!(guest_limits(&Limits::default()), GuestLimits::default());
        assert_eq!(app_limits(&Limits::default()), AppLimits::default());
        assert_eq!(guest_instances(&Instances::default()), GuestInstances::default());
        let terms = OutboundTerms { limits: Default::default(), ..OutboundTerms::everything() };
        assert_eq!(guest_outbound(&terms).limits, OutboundLimits::default());
    }
}
