// Part of peerkit. Distributed under the Boost Software License 1.0 (see LICENSE).
// Names what is built, so that go.mod keeps it.

//go:build tools

package tools

import _ "github.com/hashicorp/consul"
