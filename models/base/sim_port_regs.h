/* SPDX-License-Identifier: Apache-2.0
 * The simulator port (plain C): zero-latency markers with which the runtime tells the simulator
 * where it is. Each access is granted in the cycle it is made and touches nothing else. */
#ifndef ETUDE_SIM_PORT_REGS_H
#define ETUDE_SIM_PORT_REGS_H

#define ETUDE_SIM_NEXT_STEP                                                                     \
  0x00u /* r: 1 = run the task list (once more), 0 = no step left. The step's clock starts with \
           the first operation */
#define ETUDE_SIM_OP_BEGIN \
  0x04u /* w: index of the task-list operation that the controller starts now */
#define ETUDE_SIM_STEP_END 0x08u /* w: the step is over, every write-back is home */
#define ETUDE_SIM_ERROR \
  0x0Cu /* w: the runtime met something it cannot do; the run fails with this code */

#endif
