// SPDX-License-Identifier: Apache-2.0
#include "compiler/emit/emit.h"

#include "compiler/emit/families.h"
#include "compiler/operators/not_available.h"
#include "compiler/operators/operator_table.h"

namespace etude::compiler {

void emit_operator(LoweringContext& c) {
  const Operator& op = c.step.operators[c.current];
  switch (row_of(c.graph().node(op.node).op).family) {
    case Family::kGemm:
      return op.input_grad ? lower_linear_backward(c, op) : lower_gemm(c, op);
    case Family::kMse:
      return lower_mse(c, op);
    case Family::kCrossEntropy:
      return lower_cross_entropy(c, op);
    case Family::kReduce:
      return sums_pixels(c.graph(), c.graph().node(op.node)) ? lower_channel_sum(c, op)
                                                             : lower_reduce(c, op);
    case Family::kElementwise:
      return lower_elementwise(c, op);
    case Family::kCopy:
      return lower_copy(c, op);
    case Family::kConv:
      return lower_conv(c, op);
    case Family::kConvGradWeight:
      return lower_conv_grad_weight(c, op);
    case Family::kConvGradInput:
      return lower_conv_grad_input(c, op);
    case Family::kBatchNorm:
      return lower_batch_norm(c, op);
    case Family::kNormStatistics:
      return lower_norm_statistics(c, op);
    case Family::kPool:
      return lower_pool(c, op);
    case Family::kRowwise:
      return lower_rowwise(c, op);
    case Family::kLayerNormAffineGrad:
      return lower_layer_norm_affine_grad(c, op);
    case Family::kUpdate:
      return lower_update(c, op);
    case Family::kMove:
      return lower_move(c, op);
    case Family::kGather:
      return lower_gather(c, op);
    case Family::kLogSoftmax:
      return lower_log_softmax(c, op);
    case Family::kRmsNorm:
      return lower_rms_norm(c, op);
    case Family::kWithLoss:
      break;
    case Family::kNone:
      throw NotAvailable("node '" + c.graph().node(op.node).name + "'",
                         std::string("operator ") + name_of(c.graph().node(op.node).op) +
                             " is not available on the simulated chip yet",
                         "use operators of docs/workloads.md that are");
  }
  throw UserError("node '" + c.graph().node(op.node).name + "'", "cannot be lowered alone",
                  "put it beside its loss");
}

}  // namespace etude::compiler
