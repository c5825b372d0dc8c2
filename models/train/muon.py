"""Muon: momentum whose matrix updates are made orthogonal.

The orthogonal factor comes from a few Newton-Schulz steps with the quintic
a x + b x^3 + c x^5, whose coefficients pull singular values quickly toward
one. Matrices of one shape are worked on together.
"""
import torch

QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonal(stack, rounds=5):
    """Nearly orthogonal factors of a stack of matrices (rows <= columns)."""
    a, b, c = QUINTIC
    x = stack.bfloat16()
    x = x / (x.flatten(1).float().norm(dim=1)[:, None, None].bfloat16() + 1e-7)
    for _ in range(rounds):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.float()


class Muon:
    """The optimizer; the state is one momentum buffer per matrix."""

    def __init__(self, parameters, momentum=0.95, decay=0.02):
        self.parameters, self.momentum, self.decay = list(parameters), momentum, decay
        self.buffers = [torch.zeros_like(p) for p in self.parameters]
        self.shapes = {}
        for at, p in enumerate(self.parameters):
            self.shapes.setdefault(tuple(sorted(p.shape)), []).append(at)

    @torch.no_grad()
    def step(self, rate):
        """One update at the given rate."""
        for members in self.shapes.values():
            updates = []
            for at in members:
                p, buffer = self.parameters[at], self.buffers[at]
                buffer.lerp_(p.grad, 1 - self.momentum)
                update = p.grad.lerp(buffer, self.momentum)
                updates.append(update.T if p.shape[0] > p.shape[1] else update)
            for at, update in zip(members, orthogonal(torch.stack(updates))):
                p = self.parameters[at]
                tall = p.shape[0] > p.shape[1]
                scale = max(1.0, p.shape[0] / p.shape[1]) ** 0.5
                p.mul_(1 - rate * self.decay)
                p.add_(update.T if tall else update, alpha=-rate * scale)
                p.grad = None

    def state_dict(self):
        return {"buffers": self.buffers}

    def load_state_dict(self, state):
        self.buffers = state["buffers"]
