#include "core/egress/sockets.h"

#include <cerrno>

namespace wgr::egress {

bool IoResult::would_block() const noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

}  // namespace wgr::egress
