// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Version of the library and the namespace every header opens.
#ifndef PEERKIT_DETAIL_CONFIG_HPP
#define PEERKIT_DETAIL_CONFIG_HPP

/// Version of this copy of peerkit. CMake and the packages read these three lines; nothing else states the
/// version.
#define PEERKIT_VERSION_MAJOR 0
#define PEERKIT_VERSION_MINOR 1
#define PEERKIT_VERSION_PATCH 0

/// Every declaration lives in `peerkit::v<MAJOR>_<MINOR>`, which is inline: two versions in one program do
/// not mix.
#define PEERKIT_BEGIN_NAMESPACE \
    namespace peerkit {         \
    inline namespace v0_1 {
#define PEERKIT_END_NAMESPACE \
    }                         \
    }

#endif
