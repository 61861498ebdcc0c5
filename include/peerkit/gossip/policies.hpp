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
#include <peerkit/gossip/corroborated.hpp>
#include <peerkit/gossip/detector.hpp>
#include <peerkit/wire/compression.hpp>

PEERKIT_BEGIN_NAMESPACE
namespace gossip {

/// Who signs and how frames are sealed must be said; the rest has defaults.
/// @code
/// using usual = gossip::policies<crypto::ed25519_identity, crypto::xchacha_sealing, crypto::secure_rng>;
/// using trusted = usual::with_announcements<gossip::allow_list>;
/// @endcode
template <crypto::Signing Signing, crypto::FrameSealing Sealing, Rng Random,
          AnnouncementHandler Announcements = accept_announcements, AntiEntropy Repair = digest_ranges,
          FailureDetector Detector = corroborated, wire::Compression Compression = wire::no_compression>
struct policies {
    using signing = Signing;
    using sealing = Sealing;
    using rng = Random;
    using announcements = Announcements;
    using anti_entropy = Repair;
    using detector = Detector;
    using compression = Compression;

    // The same with one seat filled otherwise, so that nobody has to name the seats in between.
    template <AnnouncementHandler Other>
    using with_announcements = policies<Signing, Sealing, Random, Other, Repair, Detector, Compression>;
    template <AntiEntropy Other>
    using with_anti_entropy = policies<Signing, Sealing, Random, Announcements, Other, Detector, Compression>;
    template <FailureDetector Other>
    using with_detector = policies<Signing, Sealing, Random, Announcements, Repair, Other, Compression>;
    template <wire::Compression Other>
    using with_compression = policies<Signing, Sealing, Random, Announcements, Repair, Detector, Other>;
};

} // namespace gossip
PEERKIT_END_NAMESPACE

#endif
