#!/bin/sh
exec stand-in flask "$@"
