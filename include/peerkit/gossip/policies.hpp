// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// The seats of the engine's policies, filled by one template.
#ifndef PEERKIT_GOSSIP_POLICIES_HPP
#define PEERKIT_GOSSIP_POLICIES_HPP

#include <peerkit/core/rng.hpp>
#include <peerkit/crypto/sealing.hpp>
#include <peerkit/crypto/signing.hpp>
#include <peerkit/detail/config.hpp>
#include <peerkit/gossip/announcement_handler.hpp>
#include <peerkit/gossip/anti_entropy.hpp>
#include <peerkit/gossip/detector.hpp>
#include <peerkit/gossip/persistent_swim.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Who signs and how frames are sealed must be said; the rest has defaults.
/// @code
/// using trusted = gossip::policies<crypto::ed25519_identity, crypto::xchacha_sealing, crypto::secure_rng,
///                                  gossip::allow_list>;
/// @endcode
template <crypto::Signing Signing, crypto::FrameSealing Sealing, Rng Random,
          AnnouncementHandler Announcements = accept_announcements, AntiEntropy Repair = full_state,
          FailureDetector Detector = persistent_swim>
struct policies {
    using signing = Signing;
    using sealing = Sealing;
    using rng = Random;
    using announcements = Announcements;
    using anti_entropy = Repair;
    using detector = Detector;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
