#include "wireguard/udp_port.h"

#include <utility>

#include "boost/asio/error.hpp"

#include "core/log.h"

namespace wgr::wireguard {

UdpPort::UdpPort(boost::asio::io_context& context, std::unique_ptr<io::UdpSocket> socket, Sink sink)
    : socket_(std::move(socket)),
      local_address_(socket_->local_address()),
      descriptor_(context, socket_->descriptor()),
      sink_(std::move(sink)) {}

UdpPort::~UdpPort() { descriptor_.release(); }

void UdpPort::start() {
  is_receiving_ = true;
  wait();
}

void UdpPort::wait() {
  descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                         [this](boost::system::error_code error) {
                           if (error == boost::asio::error::operation_aborted)
                             return;  // the port is going away
                           if (error) {
                             is_receiving_ = false;
                             log::error("no more datagrams from this port", {{"reason", error.message()}});
                             return;
                           }
                           receive();
                           wait();  // looks again: what came since the last call wakes us
                         });
}

void UdpPort::receive() {
  for (int i = 0; i < kBatchesPerTurn; ++i) {
    const auto received = socket_->receive();
    if (!received.empty()) sink_(received);
    if (!socket_->may_have_more()) return;
  }
}

}  // namespace wgr::wireguard
