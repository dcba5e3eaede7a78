/* frame.h: how large a frame may be.
 *
 * libzmq cuts a connection that sends more, in CURVE's envelope (33 bytes), and tells nobody why.
 * So it takes somewhat more than a message may have: what is between arrives, and is refused by
 * name.
 */
#ifndef COMMON_WIRE_FRAME_H
#define COMMON_WIRE_FRAME_H

#include "proto/message.h"

#define WIRE_FRAME_MAX (MESSAGE_BYTES_MAX + (64 << 10))

#endif
