// A sound program as text, exactly as print_program writes it: two pipeline stages of two ranks
// each, with a tensor all-reduce inside a stage and a transfer from stage to stage.
#pragma once

#include <string_view>

namespace orrery {

inline constexpr std::string_view two_stages = R"(program "two stages"
resource r0 "node[0].gpu[0] → nvswitch" kind "nvlink" capacity 450000000000 B/s count 4
pattern x0 r0*2
pattern x1 r0*1/2
plan p0 "all_reduce ring" tp operation "all_reduce" size 32 MiB sends 33554432 sm 0.1
  phase
    bundle pattern 0 bytes 33554432 latency 12 us
plan p1 "send" pp operation "send_recv" size 16 MiB sends 8388608
  phase repeat 2
    bundle pattern 0 bytes 8388608 latency 3 us cap 50000000000
kind k0 "layer.forward" compute takes 250 us sm 0.75 memory 0.5 flops 1500000000000
kind k1 "tp.all_reduce" tp joins slot 0 plan 0
kind k2 "pp.send" pp joins slot 1 plan 0
kind k3 "pp.receive" pp joins slot 1 plan 0
kind k4 "layer.stash" compute allocates activations 64 MiB
kind k5 "layer.drop" compute releases activations 64 MiB
kind k6 "layer.again" compute takes 250 us flops 1500000000000 recomputed
script s0 "stage 0" capacity 80 GB
  holds parameters 1 GiB
  slot 0 "tp"
  slot 1 "pp_next"
  lane 0 "compute"
    0: k4 mb 0 layer 0  # layer.stash
    1: k0 mb 0 layer 0  # layer.forward
    2: k5 mb 0 layer 0 after 2:0  # layer.drop
  lane 1 "tensor"
    0: k1 mb 0 layer 0 after 0:1  # tp.all_reduce
  lane 2 "pipeline_send"
    0: k2 mb 0 chunk 1 after 1:0  # pp.send
script s1 "stage 1" capacity 80 GB
  slot 0 "tp"
  slot 1 "pp_previous"
  lane 0 "compute"
    0: k6 mb 0 layer 1 after 2:0  # layer.again
  lane 1 "tensor"
    0: k1 mb 0 layer 1 after 0:0  # tp.all_reduce
  lane 2 "pipeline_receive"
    0: k3 mb 0  # pp.receive
group g0 "tp" members c0*2 plans p0 patterns x0
group g1 "tp" members c1*2 plans p0 patterns x0
group g2 "pp" count 2 members c0*1 c1*1 plans p1 patterns x1
class c0 script s0 count 2 groups g0 g2
class c1 script s1 count 2 representative 2 slowdown 1.1 groups g1 g2
ranks c0*2 c1*2
)";

}  // namespace orrery
