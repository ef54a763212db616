"""Versions deployed to the stack in containers: good ones, ill ones, and deploys that are interrupted."""
